import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  engineClient,
  ENGINE_SERVER_NAME,
  issueLeaf,
  tlsDial,
  type Dial,
  type TlsCredentials,
} from '../../src/proxy/engine/index.js';
import { rawEngine, until } from '../support/engine-sockets.js';
import {
  credentialsOf,
  testMachine,
  tlsEngine,
  type TestMachine,
  type TlsEngine,
} from '../support/tls-engine.js';

const DAY_MS = 86_400_000;
const signal = new AbortController().signal;
let machine: TestMachine;
let other: TestMachine;

beforeAll(async () => {
  machine = await testMachine();
  other = await testMachine();
});

/** Dials, and closes again. */
async function tryDial(dial: Dial): Promise<{ readonly reused: boolean }> {
  const socket = await dial(signal);
  assert(socket instanceof TLSSocket);
  const reused = socket.isSessionReused();
  socket.destroy();
  await until('the connection to be closed', () => socket.closed);
  return { reused };
}

/** An engine that hangs up when its client does. */
function echo(socket: TLSSocket): void {
  socket.pipe(socket);
}

describe('an engine that requires certificates', () => {
  it('accepts the certificate of its own machine', async () => {
    await using engine = await tlsEngine(machine, echo);
    await tryDial(engine.dialAs(credentialsOf(machine)));
    expect(engine.refusals).toEqual([]);
    await until('no connection to be left', () => engine.carriers.size === 0);
  });

  it("rejects another machine's certificate", async () => {
    await using engine = await tlsEngine(machine, echo);
    await expectRefused(engine, { ...credentialsOf(other), ca: machine.ca.certificate });
  });

  it("rejects the server's own certificate", async () => {
    await using engine = await tlsEngine(machine, echo);
    await expectRefused(engine, {
      ca: machine.ca.certificate,
      cert: machine.server.certificate,
      key: machine.server.key,
    });
  });

  it.each([-500, 500])('rejects a client certificate that was issued %i days from now', async (days) => {
    await using engine = await tlsEngine(machine, echo);
    const client = await issueLeaf(machine.ca, { role: 'client', nowMs: Date.now() + days * DAY_MS });
    await expectRefused(engine, credentialsOf({ ca: machine.ca, client }));
  });

  it('refuses a plain TCP client', async () => {
    await using engine = await tlsEngine(machine, echo);
    const client = connect({ host: '127.0.0.1', port: engine.port });
    client.on('error', () => undefined);
    let answer = '';
    client.on('data', (chunk: Uint8Array) => (answer += Buffer.from(chunk).toString('latin1')));
    client.write('GET /version HTTP/1.1\r\nHost: docker\r\n\r\n');
    await until('it to be closed', () => client.closed);
    expect(answer).not.toContain('HTTP/');
    expect(engine.sockets.size).toBe(0);
  });
});

/**
 * Node's server closes the connection without an alert, dockerd and OpenSSL send one first; that the dial reports
 * its reason is tested with OpenSSL.
 */
async function expectRefused(engine: TlsEngine, credentials: TlsCredentials): Promise<void> {
  await expect(engine.dialAs(credentials)(signal)).rejects.toMatchObject({
    code: expect.stringMatching(/^MOBYVM_ENGINE_(TLS|UNREACHABLE)$/) as unknown,
    message: expect.stringContaining(`127.0.0.1:${engine.port}`) as unknown,
  });
  expect(engine.sockets.size).toBe(0);
  await until('no connection to be left', () => engine.carriers.size === 0);
}

describe('a TLS dial', () => {
  it("refuses the engine of another machine's authority", async () => {
    await using engine = await tlsEngine({ ca: machine.ca, server: other.server }, echo);
    await expect(engine.dialAs(credentialsOf(machine))(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
      message: expect.stringContaining("is not from this machine's authority") as unknown,
    });
    expect(engine.sockets.size).toBe(0);
  });

  it('refuses an engine whose certificate has another name', async () => {
    await using engine = await tlsEngine(machine, echo);
    await expect(
      engine.dialAs(credentialsOf(machine), 'other.mobyvm.internal')(signal),
    ).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
      details: { reason: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
  });

  it("rejects an engine that uses a client's certificate", async () => {
    await using engine = await tlsEngine({ ca: machine.ca, server: machine.client }, echo);
    await expect(engine.dialAs(credentialsOf(machine))(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
    });
  });

  it.each([
    [-500, 'CERT_HAS_EXPIRED'],
    [500, 'CERT_NOT_YET_VALID'],
  ])('rejects an engine certificate that was issued %i days from now', async (days, reason) => {
    const server = await issueLeaf(machine.ca, { role: 'server', nowMs: Date.now() + days * DAY_MS });
    await using engine = await tlsEngine({ ca: machine.ca, server }, echo);
    await expect(engine.dialAs(credentialsOf(machine))(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
      details: { reason },
    });
  });

  it('accepts nothing older than TLS 1.3', async () => {
    await using engine = await tlsEngine(machine, echo, { maxVersion: 'TLSv1.2' });
    await expect(engine.dialAs(credentialsOf(machine))(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
    });
  });

  it('distinguishes an engine that does not speak TLS from one that is not running', async () => {
    await using plain = await rawEngine((socket) =>
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
    );
    await expect(dialPort(plain.port)(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_TLS',
      message: expect.stringContaining('does not speak TLS') as unknown,
    });
    const closedPort = await unusedPort();
    await expect(dialPort(closedPort)(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED') as unknown,
    });
  });

  it('reports the engine as unreachable if it closes the connection during the handshake', async () => {
    await using ending = await rawEngine((socket) => socket.once('data', () => socket.end()));
    await expect(dialPort(ending.port)(signal)).rejects.toMatchObject({ code: 'MOBYVM_ENGINE_UNREACHABLE' });
    await using resetting = await rawEngine((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await expect(dialPort(resetting.port)(signal)).rejects.toMatchObject({
      code: 'MOBYVM_ENGINE_UNREACHABLE',
      message: expect.stringContaining('ECONNRESET') as unknown,
    });
  });

  it('is aborted by its signal while the engine is silent, and leaves nothing open', async () => {
    await using silent = await rawEngine((socket) => socket.resume());
    const abort = new AbortController();
    const dialling = dialPort(silent.port)(abort.signal);
    await until('the connection', () => silent.sockets.size === 1);
    abort.abort(new RangeError('enough'));
    await expect(dialling).rejects.toThrow('enough');
    await until('it to be closed', () => silent.sockets.size === 0);
    await expect(dialPort(silent.port)(abort.signal)).rejects.toThrow('enough');
  });

  it('keeps the key out of its error for damaged PEM texts', async () => {
    await using engine = await tlsEngine(machine, echo);
    const secret = 'c2VjcmV0IGtleSBtYXRlcmlhbA==';
    const credentials = {
      ...credentialsOf(machine),
      key: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
    };
    const error: unknown = await engine
      .dialAs(credentials)(signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MOBYVM_ENGINE_TLS' });
    expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain(secret);
    await until('no connection to be left', () => engine.carriers.size === 0);
  });

  it('is used by the engine client, which reports the reason', async () => {
    await using engine = await tlsEngine(machine, (socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Length: 2\r\n\r\nOK'),
      );
    });
    const good = engineClient({ dial: engine.dialAs(credentialsOf(machine)), nowMs: Date.now });
    expect(await good.ping(signal)).toMatchObject({ apiVersion: '1.45' });
    const bad = engineClient({ dial: engine.dialAs(credentialsOf(other)), nowMs: Date.now });
    await expect(bad.ping(signal)).rejects.toMatchObject({ code: 'MOBYVM_ENGINE_TLS' });
  });
});

describe('TLS sessions', () => {
  it('are resumed by every dial but the first, also when many dial at once', async () => {
    await using engine = await tlsEngine(machine, echo);
    const dial = engine.dialAs(credentialsOf(machine));
    expect(await tryDial(dial)).toEqual({ reused: false });
    const later = await Promise.all(Array.from({ length: 8 }, () => tryDial(withOwnSignal(dial))));
    expect(later.map(({ reused }) => reused)).toEqual(Array.from({ length: 8 }, () => true));
    await until('nine handshakes', () => engine.handshakes.full + engine.handshakes.resumed === 9);
    expect(engine.handshakes).toEqual({ full: 1, resumed: 8 });
  });

  it('end when the engine is restarted, at the cost of one full handshake', async () => {
    const first = await tlsEngine(machine, echo);
    const dial = first.dialAs(credentialsOf(machine));
    await tryDial(dial);
    await first[Symbol.asyncDispose]();
    await using second = await tlsEngine(machine, echo, { port: first.port });
    expect(await tryDial(dial)).toEqual({ reused: false });
    expect(await tryDial(dial)).toEqual({ reused: true });
    await until(
      'the server to see both',
      () => second.handshakes.resumed === 1 && second.handshakes.full === 1,
    );
  });

  it('do not outlive the credentials that they were established with', async () => {
    await using engine = await tlsEngine(machine, echo);
    let credentials: TlsCredentials = credentialsOf(machine);
    const dial = tlsDial({
      address: () => ({ host: '127.0.0.1', port: engine.port }),
      credentials: () => credentials,
      servername: ENGINE_SERVER_NAME,
    });
    await tryDial(dial);
    const client = await issueLeaf(machine.ca, { role: 'client', nowMs: Date.now() });
    credentials = credentialsOf({ ca: machine.ca, client });
    expect(await tryDial(dial)).toEqual({ reused: false });
    credentials = credentialsOf(other);
    await expect(dial(signal)).rejects.toMatchObject({ code: 'MOBYVM_ENGINE_TLS' });
  });
});

function dialPort(port: number): Dial {
  return tlsDial({
    address: () => ({ host: '127.0.0.1', port }),
    credentials: () => credentialsOf(machine),
    servername: ENGINE_SERVER_NAME,
  });
}

/** Many that wait on one signal make Node warn. */
function withOwnSignal(dial: Dial): Dial {
  return () => dial(new AbortController().signal);
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
