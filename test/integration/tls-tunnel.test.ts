import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { errnoOf } from '../../src/core/values/index.js';
import { reset } from '../../src/proxy/engine/duplex.js';
import { settableAvailability } from '../support/engine-availability.js';
import {
  afterPreface,
  connectTo,
  connectTunnel,
  rawEngine,
  readToEnd,
  testEndpoint,
  testFolder,
  until,
} from '../support/engine-sockets.js';
import { credentialsOf, testMachine, tlsEngine, type TestMachine } from '../support/tls-engine.js';

const signal = new AbortController().signal;
let machine: TestMachine;

beforeAll(async () => {
  machine = await testMachine();
});

describe('a TLS connection to the engine', () => {
  it('carries 50 MB from the engine after the client has half-closed', async () => {
    const input: Promise<string>[] = [];
    const sent: Promise<string>[] = [];
    await using engine = await tlsEngine(machine, (socket) => {
      const all = sumOf(socket);
      input.push(all);
      sent.push(all.then(() => sendBlocks(socket)));
    });
    const socket = await engine.dialAs(credentialsOf(machine))(signal);
    const received = sumOf(socket);
    socket.end('that is all');
    expect(await input[0]).toBe(sha256('that is all'));
    expect(await received).toBe(await sent[0]);
    await until('both sides to be closed', () => socket.closed && engine.carriers.size === 0);
  });

  it('carries 50 MB to the engine after the engine has half-closed', async () => {
    const input: Promise<string>[] = [];
    await using engine = await tlsEngine(machine, (socket) => {
      input.push(sumOf(socket));
      socket.end('nothing more from me');
    });
    const socket = await engine.dialAs(credentialsOf(machine))(signal);
    expect(await sumOf(socket)).toBe(sha256('nothing more from me'));
    expect(socket.writable).toBe(true);
    const sent = await sendBlocks(socket);
    expect(await input[0]).toBe(sent);
    await until('both sides to be closed', () => socket.closed && engine.carriers.size === 0);
  });

  it('carries 50 MB each way at once', async () => {
    const input: Promise<string>[] = [];
    const sent: Promise<string>[] = [];
    await using engine = await tlsEngine(machine, (socket) => {
      input.push(sumOf(socket));
      sent.push(sendBlocks(socket));
    });
    const socket = await engine.dialAs(credentialsOf(machine))(signal);
    const received = sumOf(socket);
    expect(await sendBlocks(socket)).toBe(await input[0]);
    expect(await received).toBe(await sent[0]);
    await until('both sides to be closed', () => socket.closed && engine.carriers.size === 0);
  });

  it('can be reset, so that a silent engine notices that its client is gone', async () => {
    await using engine = await tlsEngine(machine, (socket) => socket.resume());
    const socket = await engine.dialAs(credentialsOf(machine))(signal);
    await until('the connection', () => engine.sockets.size === 1);
    const [accepted] = engine.sockets;
    reset(socket);
    await until('both sides to be closed', () => socket.closed && engine.carriers.size === 0);
    // An end without a reset would not be an error.
    expect(errnoOf(accepted!.errored)).toBe('ECONNRESET');
  });
});

describe('a connection that is shutting down', () => {
  // resetAndDestroy() alone leaves the socket open forever in that moment (Node 20).
  it.each(['TCP', 'TLS'] as const)('can be reset: %s', async (kind) => {
    await using plain = await rawEngine((socket) => socket.resume());
    await using secure = await tlsEngine(machine, (socket) => socket.resume());
    const socket = await (kind === 'TCP' ? plain.dial : secure.dialAs(credentialsOf(machine)))(signal);
    socket.on('error', () => undefined);
    const open: ReadonlySet<Socket> = kind === 'TCP' ? plain.sockets : secure.sockets;
    await until('the connection', () => open.size === 1);
    socket.end();
    expect(socket.writableFinished).toBe(false);
    reset(socket);
    await until('it to be closed', () => socket.closed);
    // A mere end would let the first write pass.
    const failure = await new Promise((resolve) => [...open][0]!.write('anyone?', resolve));
    expect(['EPIPE', 'ECONNRESET']).toContain(errnoOf(failure));
  });
});

describe('a connection that the engine resets after its answer', () => {
  it.each(['TCP', 'TLS'] as const)('is read to its end, also if a write fails before: %s', async (kind) => {
    await using plain = await rawEngine((socket) => socket.resume());
    await using secure = await tlsEngine(machine, (socket) => socket.resume());
    const socket = await (kind === 'TCP' ? plain.dial : secure.dialAs(credentialsOf(machine)))(signal);
    const open: ReadonlySet<Socket> = kind === 'TCP' ? plain.sockets : secure.sockets;
    const carriers: ReadonlySet<Socket> = kind === 'TCP' ? plain.sockets : secure.carriers;
    await until('the connection', () => open.size === 1);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    const failed = once(socket, 'error');
    // All in one turn of the event loop: the writes fail before anything can be read.
    const carrier = [...carriers][0]!.setNoDelay();
    [...open][0]!.write('the request is refused');
    carrier.resetAndDestroy();
    for (let writes = 0; writes < 3; writes += 1) socket.write('more of the body');
    const [failure] = (await failed) as [Error];
    expect(['EPIPE', 'ECONNRESET']).toContain(errnoOf(failure));
    expect(answer).toBe('the request is refused');
    await until('it to be closed', () => socket.closed);
  });
});

describe('the engine endpoint over TLS', () => {
  it('forwards the end of the input and the whole answer that follows', async () => {
    await using folder = await testFolder();
    await using engine = await tlsEngine(machine, (socket) => {
      afterPreface(socket, () => {
        void textOf(socket).then((input) => socket.end(`${input.length} bytes: ${input}`));
      });
    });
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dialAs(credentialsOf(machine)) }),
    });
    const client = await connectTunnel(endpoint.path);
    client.end('echo me');
    expect(await readToEnd(client)).toBe('7 bytes: echo me');
    await until('both sides to be closed', () => endpoint.stats.open === 0 && engine.carriers.size === 0);
  });

  it('leaves no connection behind when clients or engines vanish', async () => {
    await using folder = await testFolder();
    await using engine = await tlsEngine(machine, (socket) => socket.pipe(socket));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dialAs(credentialsOf(machine)) }),
    });
    const clients = await Promise.all(Array.from({ length: 40 }, () => connectTunnel(endpoint.path)));
    for (const client of clients) client.on('error', () => undefined).resume();
    await until('40 engine connections', () => engine.sockets.size === 40);
    for (const client of clients.slice(0, 20)) client.destroy();
    await until('20 to be left', () => endpoint.stats.open === 20 && engine.carriers.size === 20);
    const closed = clients.slice(20).map((client) => once(client, 'end'));
    for (const carrier of engine.carriers) carrier.resetAndDestroy();
    await Promise.all(closed);
    await until('none to be left', () => endpoint.stats.open === 0 && engine.carriers.size === 0);
    for (const client of clients) client.destroy();
  });

  it('leaves no connection behind when a request is cut off, or a kept connection becomes useless', async () => {
    await using folder = await testFolder();
    await using engine = await tlsEngine(machine, (socket) => {
      socket.on('data', (chunk: Buffer) => {
        const isPing = chunk.toString('latin1').startsWith('GET /_ping');
        socket.write(
          `HTTP/1.1 200 OK\r\n${isPing ? 'Content-Length: 0' : 'Transfer-Encoding: chunked'}\r\n\r\n`,
        );
      });
      socket.on('end', () => socket.end());
    });
    const endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dialAs(credentialsOf(machine)) }),
    });
    const client = await connectTo(endpoint.path);
    client.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    client.destroy();
    await until('the cut request to be gone', () => engine.carriers.size === 0);
    const next = await connectTo(endpoint.path);
    next.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(next, 'data');
    next.destroy();
    await until('the client to be gone', () => endpoint.stats.open === 0);
    expect(engine.carriers.size).toBe(1);
    await endpoint.close();
    await until('the kept connection to be gone', () => engine.carriers.size === 0);
  });

  it('stops reading from an engine whose client does not read', async () => {
    await using folder = await testFolder();
    await using engine = await tlsEngine(machine, (socket) => {
      socket.resume();
      void sendBlocks(socket);
    });
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dialAs(credentialsOf(machine)) }),
    });
    const client = await connectTunnel(endpoint.path);
    client.pause();
    await until('the engine to be held up', () => [...engine.sockets].some((each) => each.writableNeedDrain));
    let last = -1;
    let same = 0;
    await until('the flow to stop', () => {
      const now = endpoint.stats.bytesToClient;
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= 20;
    });
    expect(endpoint.stats.bytesToClient).toBeLessThan(TOTAL_BYTES / 5);
    expect(endpoint.stats.bufferedBytes).toBeLessThanOrEqual(4 * (128 + 64) * 1024);
    client.destroy();
    await until('the engine side to be closed', () => engine.carriers.size === 0);
  });
});

const BLOCK = randomBytes(1024 * 1024);
const TOTAL_BYTES = 50 * BLOCK.length;

/** Sends 50 MB, ends, and resolves to their sha256. */
async function sendBlocks(stream: Duplex): Promise<string> {
  const hash = createHash('sha256');
  for (let sent = 0; sent < TOTAL_BYTES && !stream.destroyed; sent += BLOCK.length) {
    hash.update(BLOCK);
    if (!stream.write(BLOCK)) await once(stream, 'drain').catch(() => undefined);
  }
  stream.end();
  return hash.digest('hex');
}

/** The sha256 of all that comes; leaves the writable side alone. */
async function sumOf(stream: Duplex): Promise<string> {
  const hash = createHash('sha256');
  stream.on('data', (chunk: Uint8Array) => hash.update(chunk));
  await once(stream, 'end');
  return hash.digest('hex');
}

async function textOf(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Uint8Array) => (text += Buffer.from(chunk).toString('latin1')));
  await once(stream, 'end');
  return text;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
