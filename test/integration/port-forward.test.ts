import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/proxy/endpoint.js';
import { acceptWithOnread } from '../../src/proxy/port/accept-with-onread.js';
import { BytePump } from '../../src/proxy/port/byte-pump.js';
import type { Forwarder } from '../../src/proxy/port/forwarder.js';
import { forwardTcp } from '../../src/proxy/port/tcp-forwarder.js';
import { TcpPair } from '../../src/proxy/port/tcp-pair.js';
import { forwardUdp, type UdpForwarderOptions } from '../../src/proxy/port/udp-forwarder.js';

/** One port's forwarder between a client and a server of the test's own, over loopback. */
const LOOPBACK = '127.0.0.1';
const closing: (() => void)[] = [];
const troubles: string[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
  troubles.length = 0;
});

const onTrouble = (event: string, reason: string): void => void troubles.push(`${event}: ${reason}`);

/** A port of loopback that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function guestServer(onConnection: (socket: Socket) => void): Promise<Endpoint & { server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { address: LOOPBACK, port: (server.address() as AddressInfo).port, server };
}

async function tcpTo(target: () => Endpoint | undefined): Promise<{ port: number; forwarder: Forwarder }> {
  const port = await freePort();
  const forwarder = await forwardTcp({ address: LOOPBACK, port, target, onTrouble });
  closing.push(() => forwarder.close());
  return { port, forwarder };
}

function client(port: number): Socket {
  const socket = connect({ host: LOOPBACK, port, allowHalfOpen: true });
  closing.push(() => socket.destroy());
  return socket;
}

/** All that comes until the other side ends; what goes the other way is left alone. */
async function buffer(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

/** Resolves to the error that the peer's end of the connection caused; `closed` for an orderly end. */
function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
  });
}

describe('a TCP connection', () => {
  test('can be half-closed by the client', async () => {
    const guest = await guestServer((socket) => {
      void buffer(socket).then((all) => socket.end(`${all.length} bytes`));
    });
    const { port, forwarder } = await tcpTo(() => guest);
    const socket = client(port);
    socket.end(Buffer.alloc(5_000_000));
    expect((await buffer(socket)).toString()).toBe('5000000 bytes');
    await expect.poll(() => forwarder.connections).toBe(0);
    expect([forwarder.bytesIn, forwarder.bytesOut]).toEqual([5_000_000, 13]);
  });

  test('can be half-closed by the guest', async () => {
    let got: Promise<Buffer> | undefined;
    const guest = await guestServer((socket) => {
      got = buffer(socket);
      socket.end('first');
    });
    const { port } = await tcpTo(() => guest);
    const socket = client(port);
    expect((await buffer(socket)).toString()).toBe('first');
    socket.end('after');
    expect((await got)?.toString()).toBe('after');
  });

  test('is reset on one side when the other side resets it', async () => {
    const ends: Promise<string>[] = [];
    const guest = await guestServer((socket) => {
      socket.resume();
      ends.push(endOf(socket));
      socket.once('data', (chunk) => {
        if (chunk.toString() === 'reset me') socket.resetAndDestroy();
        else socket.write('x');
      });
    });
    const { port, forwarder } = await tcpTo(() => guest);
    const resetting = client(port);
    resetting.write('hello');
    await once(resetting, 'data');
    resetting.resetAndDestroy();
    expect(await ends[0]).toBe('ECONNRESET');
    const asking = client(port);
    const end = endOf(asking);
    asking.resume().write('reset me');
    expect(await end).toBe('ECONNRESET');
    await expect.poll(() => forwarder.connections).toBe(0);
  });

  // https://github.com/libuv/libuv/issues/3449
  test.each(['client', 'guest'] as const)('that a half-closed %s resets is closed', async (resetting) => {
    const guestSides: Socket[] = [];
    const guest = await guestServer((socket) => {
      guestSides.push(socket);
      socket.resume();
      if (resetting === 'guest') socket.end('x');
    });
    const { port, forwarder } = await tcpTo(() => guest);
    const clients = Array.from({ length: 50 }, () => client(port).resume());
    const ends = clients.map((socket) => once(socket, 'end'));
    if (resetting === 'client') for (const socket of clients) socket.end('x');
    else await Promise.all(ends);
    await expect.poll(() => forwarder.connections, { timeout: 10_000 }).toBe(50);
    if (resetting === 'client') await expect.poll(() => forwarder.bytesIn, { timeout: 10_000 }).toBe(50);
    for (const socket of resetting === 'client' ? clients : guestSides) socket.resetAndDestroy();
    await expect.poll(() => forwarder.connections, { timeout: 20_000 }).toBe(0);
  });

  test.each(['client', 'guest'] as const)('has backpressure from a slow %s', async (slow) => {
    let written = 0;
    const pour = (socket: Socket): void => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk)) written += chunk.length;
        socket.once('drain', more);
      };
      more();
    };
    const guest = await guestServer((socket) => {
      if (slow === 'client') pour(socket);
      else socket.pause();
    });
    const { port } = await tcpTo(() => guest);
    const socket = client(port);
    await once(socket, 'connect');
    if (slow === 'guest') pour(socket);
    // Kernel buffers fill, then nothing moves any more.
    let before = -1;
    await expect
      .poll(
        () => {
          const isStill = written > 0 && written === before;
          before = written;
          return isStill;
        },
        { interval: 500, timeout: 20_000 },
      )
      .toBe(true);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(64 * 1024 * 1024);
  });

  test('is reset at once while there is no guest, and forwarded again later', async () => {
    let target: Endpoint | undefined;
    const { port, forwarder } = await tcpTo(() => target);
    expect(await endOf(client(port).resume())).toBe('ECONNRESET');
    target = { address: LOOPBACK, port: await freePort() };
    expect(await endOf(client(port).resume())).toBe('ECONNRESET');
    target = await guestServer((socket) => socket.end('here'));
    expect((await buffer(client(port))).toString()).toBe('here');
    expect(forwarder.isListening).toBe(true);
    expect(troubles).toEqual([
      'ports.connection.refused: the VM cannot be reached',
      'ports.connection.refused: the guest refused the connection: ECONNREFUSED',
    ]);
  });

  test('is forwarded without onread as well', async () => {
    const guest = await guestServer((socket) => socket.pipe(socket));
    const counters = { bytesIn: 0, bytesOut: 0 };
    const context = { counters, pairs: new Set<TcpPair>(), onTrouble };
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, highWaterMark: 1 });
    // Before it listens, a server has no internal handler that could be wrapped.
    acceptWithOnread(
      server,
      () => new BytePump(counters, 'bytesIn'),
      (socket, pump) => void context.pairs.add(new TcpPair(socket, guest, pump, context)),
    );
    server.listen(0, LOOPBACK);
    await once(server, 'listening');
    closing.push(() => server.close());
    const socket = client((server.address() as AddressInfo).port);
    socket.end(Buffer.alloc(5_000_000));
    expect(await buffer(socket)).toHaveLength(5_000_000);
    await expect.poll(() => context.pairs.size).toBe(0);
    expect(counters).toEqual({ bytesIn: 5_000_000, bytesOut: 5_000_000 });
  });

  test('is reset when the port is closed, and the port is free at once', async () => {
    const guest = await guestServer((socket) => socket.resume());
    const { port, forwarder } = await tcpTo(() => guest);
    const socket = client(port).resume();
    await expect.poll(() => forwarder.connections).toBe(1);
    const end = endOf(socket);
    forwarder.close();
    const again = await forwardTcp({ address: LOOPBACK, port, target: () => undefined, onTrouble });
    again.close();
    expect(await end).toBe('ECONNRESET');
    expect(forwarder.isListening).toBe(false);
  });
});

interface UdpGuest extends Endpoint {
  readonly socket: UdpSocket;
  readonly from: string[];
}

async function udpGuest(): Promise<UdpGuest> {
  const socket = createSocket('udp4').bind(0, LOOPBACK);
  await once(socket, 'listening');
  const from: string[] = [];
  socket.on('message', (datagram, peer) => {
    from.push(String(peer.port));
    socket.send(datagram, peer.port, peer.address);
  });
  closing.push(() => socket.close());
  return { address: LOOPBACK, port: socket.address().port, socket, from };
}

async function udpTo(target: () => Endpoint | undefined, more: Partial<UdpForwarderOptions> = {}) {
  const port = await freePort();
  const forwarder = await forwardUdp({ address: LOOPBACK, port, target, onTrouble, ...more });
  closing.push(() => forwarder.close());
  return { port, forwarder };
}

async function udpClient(
  port: number,
): Promise<{ echo(text: string): Promise<string>; send(text: string): void }> {
  const socket = createSocket('udp4').bind(0, LOOPBACK);
  await once(socket, 'listening');
  closing.push(() => socket.close());
  const send = (text: string): void => socket.send(text, port, LOOPBACK);
  return {
    send,
    async echo(text) {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(5_000) }) as Promise<[Buffer]>;
      send(text);
      return (await answer)[0].toString();
    },
  };
}

describe('a UDP client', () => {
  test('gets its answers, and keeps its port at the guest while other clients appear', async () => {
    const guest = await udpGuest();
    const { port, forwarder } = await udpTo(() => guest);
    const [one, two] = [await udpClient(port), await udpClient(port)];
    expect(await one.echo('1')).toBe('1');
    expect(await two.echo('2')).toBe('2');
    expect(await one.echo('3')).toBe('3');
    expect(await one.echo('x'.repeat(65_507))).toHaveLength(65_507);
    expect(guest.from[0]).toBe(guest.from[2]);
    expect(guest.from[0]).not.toBe(guest.from[1]);
    expect(forwarder).toMatchObject({ connections: 2, bytesIn: 65_510, bytesOut: 65_510 });
  });

  test('that was idle longest is dropped for the next one', async () => {
    const guest = await udpGuest();
    const { port, forwarder } = await udpTo(() => guest, { maxClients: 2 });
    const [one, two, three] = [await udpClient(port), await udpClient(port), await udpClient(port)];
    await one.echo('1');
    await two.echo('2');
    await one.echo('1 again');
    await three.echo('3');
    await one.echo('1 still');
    expect(forwarder.connections).toBe(2);
    expect(new Set([guest.from[0], guest.from[2], guest.from[4]]).size).toBe(1);
  });

  test('is forgotten after its idle time, and served again', async () => {
    const guest = await udpGuest();
    const { port, forwarder } = await udpTo(() => guest, { idleMs: 50 });
    const one = await udpClient(port);
    await one.echo('1');
    await expect.poll(() => forwarder.connections).toBe(0);
    expect(await one.echo('2')).toBe('2');
  });

  test('gets a new flow to the guest after nothing was listening there', async () => {
    const free = await freePort();
    const { port, forwarder } = await udpTo(() => ({ address: LOOPBACK, port: free }));
    const one = await udpClient(port);
    one.send('lost');
    await expect.poll(() => forwarder.bytesIn).toBe(4);
    await expect.poll(() => forwarder.connections, { timeout: 10_000 }).toBe(0);
    expect(troubles).toEqual([]);
  });

  test('is served again after nothing was listening in the guest', async () => {
    const placeholder = createSocket('udp4').bind(0, LOOPBACK);
    await once(placeholder, 'listening');
    const { port: guestPort } = placeholder.address();
    placeholder.close();
    const { port } = await udpTo(() => ({ address: LOOPBACK, port: guestPort }));
    const one = await udpClient(port);
    for (let index = 0; index < 5; index += 1) one.send('lost');
    const guest = createSocket('udp4').bind(guestPort, LOOPBACK);
    closing.push(() => guest.close());
    guest.on('message', (datagram, peer) => guest.send(datagram, peer.port, peer.address));
    await once(guest, 'listening');
    await expect.poll(() => one.echo('back'), { timeout: 10_000 }).toBe('back');
    expect(troubles).toEqual([]);
  });
});
