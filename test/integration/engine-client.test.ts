import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MobyvmError } from '../../src/core/values/index.js';
import { engineClient, KeptConnection, type EngineClient } from '../../src/proxy/engine/index.js';
import { fakeEngine } from '../support/engine-fake.js';
import { rawEngine, until } from '../support/engine-sockets.js';
import { tcpDial } from '../support/engine-dial.js';

const signal = new AbortController().signal;

describe('the engine client', () => {
  it('pings, and reports the API version and the clock offset', async () => {
    const engineMs = Date.parse('2030-01-01T00:00:10Z');
    await using engine = await httpEngine((_request, response) => {
      response.writeHead(200, { 'Api-Version': '1.50', Date: new Date(engineMs).toUTCString() }).end('OK');
    });
    const client = engineClient({ dial: engine.dial, nowMs: () => engineMs - 4_000 });
    expect(await client.ping(signal)).toEqual({ apiVersion: '1.50', clockOffsetMs: 4_500 });
  });

  it('asks again on the connection that it keeps, and on a new one when the engine has closed that', async () => {
    await using engine = await fakeEngine();
    const kept = new KeptConnection();
    let dials = 0;
    const dial: typeof engine.dial = (within) => {
      dials += 1;
      return engine.dial(within);
    };
    const client = engineClient({ dial, nowMs: Date.now, kept });
    for (let ping = 0; ping < 3; ping += 1) await client.ping(signal);
    expect(dials).toBe(1);
    for (const socket of engine.sockets) socket.destroy();
    expect(await client.version(signal)).toMatchObject({ ApiVersion: '1.50' });
    expect(dials).toBe(2);
    kept.close();
    await until('its connections to be closed', () => engine.sockets.size === 0);
  });

  it('reports no clock offset if the engine sends no date', async () => {
    await using engine = await httpEngine((_request, response) => {
      response.sendDate = false;
      response.end('OK');
    });
    expect(await engine.client.ping(signal)).toEqual({ apiVersion: undefined, clockOffsetMs: undefined });
  });

  it('reads version and info, and keeps unknown members', async () => {
    await using engine = await fakeEngine();
    const client = engineClient({ dial: engine.dial, nowMs: Date.now });
    expect(await client.version(signal)).toMatchObject({
      Version: '28.2.2-fake',
      ApiVersion: '1.50',
      NewerField: { kept: true },
    });
    expect(await client.info(signal)).toMatchObject({ ServerVersion: '28.2.2-fake', Containers: 1 });
    await until('its connections to be closed', () => engine.sockets.size === 0);
  });

  it("quotes the engine's own error", async () => {
    await using engine = await httpEngine((_request, response) => {
      response.writeHead(500, { 'Content-Type': 'application/json' }).end('{"message":"disk is full"}');
    });
    await expect(engine.client.version(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_UNREACHABLE',
      message: 'The Docker Engine in the VM does not answer GET /version: status 500, disk is full.',
    });
  });

  it.each(['not json', '{}', '{"Version":7,"ApiVersion":"1.50"}', `{"Version":"${'x'.repeat(2_000)}"}`])(
    'does not accept %.40s as a version',
    async (body) => {
      await using engine = await httpEngine((_request, response) => response.end(body));
      await expect(engine.client.version(signal)).rejects.toMatchObject({
        code: 'MOBYVM_ENGINE_UNREACHABLE',
        message: expect.stringContaining('does not match the Engine API') as unknown,
      });
    },
  );

  it('reads at most 1 MiB', async () => {
    await using engine = await httpEngine((_request, response) => {
      response.on('error', () => undefined).end('x'.repeat(2_000_000));
    });
    await expect(engine.client.info(signal)).rejects.toMatchObject({
      message: expect.stringContaining('longer than 1048576 bytes') as unknown,
    });
  });

  it.each([
    ['silent', ''],
    ['slow to send its head', 'HTTP/1.1 200 OK\r\nDate: '],
    ['slow to send its body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{'],
  ])('gives up on an engine that is %s, and closes the connection', async (_how, answer) => {
    await using engine = await rawEngine((socket) => {
      socket.resume();
      socket.write(answer);
      socket.on('end', () => socket.end());
    });
    const client = engineClient({ dial: engine.dial, nowMs: Date.now, timeoutMs: 200 });
    await expect(client.version(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_UNREACHABLE',
      message: expect.stringContaining('no answer within 0.2 s') as unknown,
    });
    await until('the connection to be closed', () => engine.sockets.size === 0);
  });

  it.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['nothing', ''],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{'],
  ])('fails when it gets %s and then the end', async (_what, answer) => {
    await using engine = await rawEngine((socket) => {
      socket.resume();
      socket.end(answer);
    });
    const client = engineClient({ dial: engine.dial, nowMs: Date.now });
    await expect(client.version(signal)).rejects.toMatchObject({ code: 'MOBYVM_ENGINE_UNREACHABLE' });
  });

  it("rejects with the signal's reason when aborted", async () => {
    await using engine = await rawEngine((socket) => socket.resume());
    const stop = new AbortController();
    const pinging = engineClient({ dial: engine.dial, nowMs: Date.now }).ping(stop.signal);
    await until('the connection', () => engine.sockets.size === 1);
    const reason = new MobyvmError('MOBYVM_ABORTED', 'enough', 'Continue.');
    stop.abort(reason);
    await expect(pinging).rejects.toBe(reason);
  });

  it('rejects with the error of the dial', async () => {
    const engine = await rawEngine(() => undefined);
    await engine[Symbol.asyncDispose]();
    await expect(engineClient({ dial: engine.dial, nowMs: Date.now }).ping(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_UNREACHABLE',
      details: { host: '127.0.0.1', port: engine.port },
    });
  });
});

interface HttpEngine extends AsyncDisposable {
  readonly dial: ReturnType<typeof tcpDial>;
  readonly client: EngineClient;
}

async function httpEngine(listener: RequestListener): Promise<HttpEngine> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dial = tcpDial({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  return {
    dial,
    client: engineClient({ dial, nowMs: Date.now }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
