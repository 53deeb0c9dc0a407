import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { silentLogger, type LogEvent, type LogFields, type Logger } from '../../../../src/core/host/index.js';
import { EngineGateway, type EngineState } from '../../../../src/proxy/engine/index.js';
import { settableAvailability } from '../../../support/engine-availability.js';
import { HTTP2_PREFACE } from '../../../support/engine-sockets.js';

const REQUEST = 'GET /containers/json HTTP/1.1\r\nX-Registry-Auth: planted-secret\r\n\r\n';

describe('the engine gateway', () => {
  it('serves any duplex stream', async () => {
    const gateway = gatewayIn({ kind: 'ready', dial: () => Promise.resolve(echo()) });
    const [client, near] = duplexPair();
    const served = gateway.serve(near);
    client.end(`${HTTP2_PREFACE}hello`);
    expect(await textOf(client)).toBe(`${HTTP2_PREFACE}hello`);
    await served;
    expect(gateway.stats).toEqual({
      open: 0,
      waiting: 0,
      tunnels: 0,
      accepted: 1,
      refused: 0,
      bytesToEngine: HTTP2_PREFACE.length + 5,
      bytesToClient: HTTP2_PREFACE.length + 5,
      bufferedBytes: 0,
    });
  });

  it.each([
    ['the engine', { kind: 'ready', dial: () => Promise.resolve(refusing()) }, 'HTTP/1.1 400 '],
    ['mobyvm', { kind: 'stopped' }, 'HTTP/1.1 503 '],
  ] as const)(
    'keeps its end open while a client that %s has answered early is sending',
    async (_who, state, answer) => {
      const gateway = gatewayIn(state);
      const [client, near] = duplexPair();
      const served = gateway.serve(near);
      client.write('POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome');
      expect(String((await once(client, 'data'))[0])).toContain(answer);
      expect(near.writableEnded).toBe(false);
      client.end(Buffer.alloc(100_000));
      await served;
      expect(near.writableEnded).toBe(true);
    },
  );

  it('answers with the current state if a dial fails because the machine went down', async () => {
    const availability = settableAvailability({
      kind: 'ready',
      dial: () => {
        availability.set({ kind: 'stopped' });
        return Promise.reject(new RangeError('connection refused'));
      },
    });
    const gateway = new EngineGateway({ availability, logger: silentLogger });
    const [client, near] = duplexPair();
    void gateway.serve(near);
    client.write(REQUEST);
    expect(await textOf(client)).toContain('mobyvm is stopped');
    client.end();
  });

  it('lets a command wait in one piece: what follows a request that waited in vain fails at once', async () => {
    const waits = [20, 3_600_000, 3_600_000];
    const waitMs = (): number => waits.shift() ?? 0;
    const gateway = gatewayIn({ kind: 'starting', step: 'Docker Engine' }, { waitMs });
    for (let request = 0; request < 3; request += 1) {
      const [client, near] = duplexPair();
      void gateway.serve(near);
      client.write(REQUEST);
      expect(await textOf(client)).toContain('mobyvm is starting: Docker Engine');
      client.end();
    }
    gateway.close();
  });

  it('resets an engine connection that was opened after its client had disconnected', async () => {
    const engine = echo();
    let isDialled = false;
    let connect: (engine: Duplex) => void = () => undefined;
    const dial = (): Promise<Duplex> => {
      isDialled = true;
      return new Promise((resolve) => (connect = resolve));
    };
    const gateway = gatewayIn({ kind: 'ready', dial });
    const [client, near] = duplexPair();
    const served = gateway.serve(near);
    client.write(REQUEST);
    await vi.waitFor(() => expect(isDialled).toBe(true));
    near.destroy();
    connect(engine);
    await served;
    expect(engine.destroyed).toBe(true);
  });

  it('closes connections far beyond its limit without an answer', () => {
    const gateway = gatewayIn({ kind: 'starting', step: 'booting' }, { maxConnections: 1 });
    const streams = Array.from({ length: 67 }, () => duplexPair()[1]);
    for (const stream of streams) void gateway.serve(stream);
    expect(streams.map((stream) => stream.destroyed)).toEqual([...Array<boolean>(66).fill(false), true]);
    gateway.close();
  });

  it('accepts no connection after it was closed, and has unsubscribed', async () => {
    const availability = settableAvailability({ kind: 'starting', step: 'booting' });
    const gateway = new EngineGateway({ availability, logger: silentLogger });
    const waiting = gateway.serve(duplexPair()[1]);
    gateway.close();
    await waiting;
    await gateway.serve(duplexPair()[1]);
    expect(gateway.stats).toMatchObject({ open: 0, waiting: 0, accepted: 1 });
    expect(availability.listeners()).toBe(0);
  });

  it('logs connections and requests under one id, warns once about an unreachable engine, and logs no contents', async () => {
    const records: { level: string; event: LogEvent; fields: LogFields | undefined }[] = [];
    const gateway = gatewayIn(
      { kind: 'ready', dial: () => Promise.reject(new RangeError('connection refused')) },
      { logger: recorder(records) },
    );
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const [client, near] = duplexPair();
      const served = gateway.serve(near);
      client.end(REQUEST);
      await textOf(client);
      await served;
    }
    const told = records.filter(({ event }) => event === 'engine.request.refused');
    expect(told).toMatchObject([
      { level: 'warn', fields: { connId: 'engine-1', status: 502 } },
      { level: 'debug', fields: { connId: 'engine-2', status: 502 } },
    ]);
    expect(records.filter(({ event }) => event === 'engine.request.served')).toMatchObject([
      {
        level: 'debug',
        fields: { connId: 'engine-1', method: 'GET', path: '/containers/json', status: 502 },
      },
      {
        level: 'debug',
        fields: { connId: 'engine-2', method: 'GET', path: '/containers/json', status: 502 },
      },
    ]);
    expect(records.filter(({ event }) => event === 'engine.connection.closed')).toHaveLength(2);
    expect(JSON.stringify(records)).not.toContain('planted-secret');
  });
});

function gatewayIn(
  state: EngineState,
  more: { readonly maxConnections?: number; readonly logger?: Logger; readonly waitMs?: () => number } = {},
): EngineGateway {
  return new EngineGateway({ availability: settableAvailability(state), logger: silentLogger, ...more });
}

/** An engine that gives back what it gets. */
function echo(): Duplex {
  const [far, near] = duplexPair();
  far.pipe(far);
  return near;
}

function recorder(records: { level: string; event: LogEvent; fields: LogFields | undefined }[]): Logger {
  const at = (level: string) => (event: LogEvent, fields?: LogFields) =>
    void records.push({ level, event, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

async function textOf(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Uint8Array) => (text += Buffer.from(chunk).toString()));
  await new Promise((resolve) => stream.once('end', resolve));
  return text;
}

/** Answers the first bytes, and says that it will close. */
function refusing(): Duplex {
  const [near, far] = duplexPair();
  far.once('data', () => {
    far.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
  });
  return near;
}
