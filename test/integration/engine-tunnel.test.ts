import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/core/host/index.js';
import { errnoOf } from '../../src/core/values/index.js';
import { unixHangupProbe } from '../../src/daemon/linux/unix-listener.js';
import { EngineGateway } from '../../src/proxy/engine/index.js';
import { settableAvailability } from '../support/engine-availability.js';
import {
  ask,
  connectTo,
  connectTunnel,
  HTTP2_PREFACE,
  rawEngine,
  readToEnd,
  testEndpoint,
  testFolder,
  tunnelEngine,
  until,
} from '../support/engine-sockets.js';

/** No connection may hold more than four stream buffers with one read each on top. */
const MAX_HELD_PER_CONNECTION = 4 * (128 + 64) * 1024;

describe('a tunnel through the engine endpoint', () => {
  it('forwards the end of the input and the whole answer that follows', async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => {
      void readToEndKeepingOpen(socket).then((input) => socket.end(`${input.length} bytes: ${input}`));
    });
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const client = await connectTunnel(endpoint.path);
    client.end('echo me');
    expect(await readToEnd(client)).toBe('7 bytes: echo me');
    await until('both sides to be closed', () => endpoint.stats.open === 0 && engine.sockets.size === 0);
  });

  it('forwards the end of the output while the input continues', async () => {
    await using folder = await testFolder();
    const received: Promise<string>[] = [];
    await using engine = await tunnelEngine((socket) => {
      received.push(readToEndKeepingOpen(socket));
      socket.end('that is all');
    });
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const client = await connectTunnel(endpoint.path);
    expect(await readToEndKeepingOpen(client)).toBe('that is all');
    client.write('still ');
    client.end('talking');
    expect(await received[0]).toBe('still talking');
    await until('both sides to be closed', () => endpoint.stats.open === 0 && engine.sockets.size === 0);
  });

  it('keeps the order of bytes that arrive with the upgrade request and with the 101', async () => {
    await using folder = await testFolder();
    const received: Promise<string>[] = [];
    await using engine = await rawEngine((socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst output');
      received.push(readToEndKeepingOpen(socket).finally(() => socket.end()));
    });
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const request =
      'POST /exec/e1/start HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}first input';
    const client = await connectTo(endpoint.path);
    client.end(request);
    expect(await readToEnd(client)).toBe(
      'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst output',
    );
    expect(await received[0]).toBe(request);
  });

  it('carries anything that is not HTTP/1.1 unchanged: the preface of HTTP/2, and NUL bytes', async () => {
    await using folder = await testFolder();
    await using engine = await rawEngine((socket) => socket.pipe(socket));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const client = await connectTo(endpoint.path);
    client.end('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00');
    expect(await readToEnd(client)).toBe('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00');
  });

  it('carries 100 MB each way at once to readers that pause, and buffers little of it', async () => {
    await using folder = await testFolder();
    const sums: Promise<string>[] = [];
    await using engine = await tunnelEngine((socket) => {
      sums.push(slowSum(socket));
      void sendBlocks(socket);
    });
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    let mostHeld = 0;
    const watching = setInterval(() => (mostHeld = Math.max(mostHeld, endpoint.stats.bufferedBytes)), 1);
    try {
      const client = await connectTunnel(endpoint.path);
      const received = slowSum(client);
      const sent = await sendBlocks(client);
      expect(await received).toBe(sent);
      expect(await sums[0]).toBe(sent);
    } finally {
      clearInterval(watching);
    }
    expect(mostHeld).toBeLessThanOrEqual(MAX_HELD_PER_CONNECTION);
    expect(endpoint.stats).toMatchObject({
      bytesToEngine: TOTAL_BYTES + HTTP2_PREFACE.length,
      bytesToClient: TOTAL_BYTES,
    });
  });

  it('stops reading from an engine whose client does not read', async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => {
      socket.resume();
      void sendBlocks(socket);
    });
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const client = await connectTunnel(endpoint.path);
    client.pause();
    const [socket] = await untilOpen(engine.sockets);
    await until(
      'the engine to be held up',
      () => socket!.writableNeedDrain && endpoint.stats.bufferedBytes > 0,
    );
    await untilSteady(() => endpoint.stats.bytesToClient);
    expect(endpoint.stats.bytesToClient).toBeLessThan(TOTAL_BYTES / 10);
    expect(endpoint.stats.bufferedBytes).toBeLessThanOrEqual(MAX_HELD_PER_CONNECTION);
    client.destroy();
    await until('the engine side to be closed', () => engine.sockets.size === 0);
  });

  it('carries 200 connections at a time', async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => socket.pipe(socket));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const clients = await Promise.all(Array.from({ length: 200 }, () => connectTunnel(endpoint.path)));
    await until('200 tunnels', () => endpoint.stats.tunnels === 200);
    const answers = clients.map(async (client, index) => {
      client.end(`I am ${index}`);
      return readToEnd(client);
    });
    expect(await Promise.all(answers)).toEqual(clients.map((_, index) => `I am ${index}`));
    await until('all to be closed', () => endpoint.stats.open === 0 && engine.sockets.size === 0);
  });
});

describe('a side that disconnects without a half-close', () => {
  it("closes the engine's side if it is the client", async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => socket.pipe(socket));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTunnel(endpoint.path)));
    await until('20 engine connections', () => engine.sockets.size === 20);
    for (const client of clients) client.destroy();
    await until('no connection to be left', () => endpoint.stats.open === 0 && engine.sockets.size === 0);
  });

  it("resets the engine's side if the client dies while both sides are silent", async () => {
    await using folder = await testFolder();
    // Like `docker attach`: the end of the input means nothing to it, and no output tells it that nobody listens.
    await using engine = await tunnelEngine((socket) => socket.resume());
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const client = await connectTunnel(endpoint.path);
    const [socket] = await untilOpen(engine.sockets);
    client.destroy();
    await until('the connection to be over', () => endpoint.stats.open === 0);
    // A mere end would let the first write pass. dockerd sees the reset at once; Node looks only when it writes.
    const failure = await new Promise((resolve) => socket!.write('anyone?', resolve));
    expect(['EPIPE', 'ECONNRESET']).toContain(errnoOf(failure));
  });

  it("closes the engine's side if the client dies while the engine does not read", async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => socket.pause());
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const client = await connectTunnel(endpoint.path);
    client.on('error', () => undefined);
    void sendBlocks(client);
    await untilOpen(engine.sockets);
    await untilSteady(() => endpoint.stats.bytesToEngine);
    client.destroy();
    await until('the connection to be over', () => endpoint.stats.open === 0);
  });

  it('keeps a client that has only half-closed, however often it is probed', async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => socket.resume());
    const gateway = new EngineGateway({
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
      logger: silentLogger,
    });
    let asked = 0;
    const server = createServer({ allowHalfOpen: true }, (client) => {
      void gateway.serve(client, (stream) => {
        asked += 1;
        unixHangupProbe(stream);
      });
    });
    const path = join(folder.path, 'probed.sock');
    server.listen(path);
    try {
      const client = await connectTunnel(path);
      client.end('input');
      const [socket] = await untilOpen(engine.sockets);
      await until('two questions', () => asked >= 2);
      socket!.end('the late answer');
      expect(await readToEnd(client)).toBe('the late answer');
      await until('no connection to be left', () => gateway.stats.open === 0);
    } finally {
      gateway.close();
      server.close();
    }
  });

  it("closes the client's side if it is the engine", async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => void socket.write('last words'));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const client = await connectTunnel(endpoint.path);
    await once(client, 'data');
    const [socket] = await untilOpen(engine.sockets);
    socket!.resetAndDestroy();
    await once(client, 'end');
    await until('no connection to be left', () => endpoint.stats.open === 0);
    client.destroy();
  });

  it('closes tunnels when the machine is stopped, since a VM that is off cannot', async () => {
    await using folder = await testFolder();
    await using engine = await tunnelEngine((socket) => socket.resume());
    const availability = settableAvailability({ kind: 'ready', dial: engine.dial });
    await using endpoint = await testEndpoint(folder, { availability });
    const client = await connectTunnel(endpoint.path);
    client.on('error', () => undefined);
    client.resume();
    await until('the tunnel', () => endpoint.stats.tunnels === 1);
    availability.set({ kind: 'stopped' });
    await once(client, 'end');
    client.destroy();
    await until('no connection to be left', () => endpoint.stats.open === 0 && engine.sockets.size === 0);
    expect(await ask(endpoint.path, 'GET / HTTP/1.1\r\n\r\n')).toContain('mobyvm is stopped');
  });
});

const BLOCK = randomBytes(1024 * 1024);
const TOTAL_BYTES = 100 * BLOCK.length;

/** Sends 100 MB, ends, and resolves to their sha256. */
async function sendBlocks(socket: Socket): Promise<string> {
  const hash = createHash('sha256');
  for (let sent = 0; sent < TOTAL_BYTES && !socket.destroyed; sent += BLOCK.length) {
    hash.update(BLOCK);
    if (!socket.write(BLOCK)) await once(socket, 'drain').catch(() => undefined);
  }
  socket.end();
  return hash.digest('hex');
}

/** The sha256 of all that comes, read with a stop after every few megabytes. */
async function slowSum(socket: Socket): Promise<string> {
  const hash = createHash('sha256');
  let sinceStop = 0;
  socket.on('data', (chunk: Uint8Array) => {
    hash.update(chunk);
    sinceStop += chunk.length;
    if (sinceStop < 4_000_000) return;
    sinceStop = 0;
    socket.pause();
    setTimeout(() => socket.resume(), 10);
  });
  await once(socket, 'end');
  return hash.digest('hex');
}

/** Like readToEnd, but leaves the socket's writable side alone. */
async function readToEndKeepingOpen(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Uint8Array) => (text += Buffer.from(chunk).toString('latin1')));
  await once(socket, 'end');
  return text;
}

async function untilOpen(sockets: ReadonlySet<Socket>): Promise<readonly Socket[]> {
  await until('the engine connection', () => sockets.size > 0);
  return [...sockets];
}

async function untilSteady(read: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await until('a number to stop changing', () => {
    same = read() === last ? same + 1 : 0;
    last = read();
    return same >= 20;
  });
}
