import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { linuxPortFacts } from '../../src/daemon/linux/port-facts.js';
import { silentLogger, sleep } from '../../src/core/host/index.js';
import { encodeGuestMessage } from '../../src/proxy/port/control.codec.js';
import {
  startPortControl,
  type Lease,
  type PortControl,
  type PortLeases,
} from '../../src/proxy/port/control-server.js';
import type { PortRequest } from '../../src/proxy/port/port-request.js';

/** The server that a guest asks for ports, with a guest that means harm. */
const TOKEN = 'planted-token';
const REQUEST: PortRequest = {
  protocol: 'tcp',
  hostIp: '0.0.0.0',
  hostPort: 8080,
  containerIp: '172.17.0.2',
  containerPort: 80,
  relayPort: undefined,
};
const RELEASE = encodeGuestMessage({ kind: 'release' });
let control: PortControl | undefined;

class Leases implements PortLeases {
  readonly held = new Set<Lease>();
  readonly log: string[] = [];
  expose(request: PortRequest, lease: Lease): Promise<{ kind: 'ok'; hairpin: boolean }> {
    this.log.push(`expose ${request.hostPort}`);
    this.held.add(lease);
    return Promise.resolve({ kind: 'ok', hairpin: true });
  }
  release(lease: Lease): Promise<void> {
    this.log.push('release');
    this.held.delete(lease);
    return Promise.resolve();
  }
  lost(lease: Lease): void {
    this.log.push('lost');
    this.held.delete(lease);
  }
}

async function serve(): Promise<Leases> {
  const leases = new Leases();
  control = await startPortControl({
    address: '127.0.0.1',
    port: 0,
    token: () => TOKEN,
    leases,
    portFacts: linuxPortFacts,
    logger: silentLogger,
  });
  return leases;
}
afterEach(async () => {
  await control?.close();
  control = undefined;
});

function dial(): Socket {
  const socket = connect({ host: '127.0.0.1', port: control?.port ?? 0 });
  socket.on('error', () => undefined);
  return socket;
}

function line(token = TOKEN): string {
  return encodeGuestMessage({ kind: 'expose', expose: { token, isRenewal: false, request: REQUEST } });
}

/** All that the server says until it ends the connection. */
async function answerTo(bytes: string | Uint8Array): Promise<string> {
  const socket = dial();
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.write(bytes);
  await closed(socket);
  return text;
}

/** A reset is an end as well: the server does not read what it does not want. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

async function granted(): Promise<Socket> {
  const socket = dial();
  socket.write(line());
  await once(socket, 'data');
  return socket;
}

describe('a well-behaved guest', () => {
  test('gets its answer, releases the port, and is disconnected only then', async () => {
    const leases = await serve();
    const socket = await granted();
    socket.write(RELEASE);
    await closed(socket);
    expect(leases.log).toEqual(['expose 8080', 'release']);
  });

  test('that disconnects is reported as lost', async () => {
    const leases = await serve();
    const socket = await granted();
    socket.resetAndDestroy();
    await expect.poll(() => leases.log).toEqual(['expose 8080', 'lost']);
  });
});

describe('a misbehaving guest', () => {
  test.each([
    ['garbage', 'GET / HTTP/1.1\r\n\r\n', /not JSON/],
    [
      'bytes that are not text',
      Uint8Array.from({ length: 64 }, (_, at) => (at === 63 ? 10 : 255 - at)),
      /not JSON/,
    ],
    ['a wrong token', line('wrong'), /the token is not this machine's/],
    ['no token', line(''), /token/],
    ['a release before a request', RELEASE, /each connection is for one port/],
    ['a line of 1 MB', 'x'.repeat(1024 * 1024), /too long/],
    ['a terminated line of 1 MB', `${'x'.repeat(1024 * 1024)}\n`, /too long|not JSON/],
  ])('%s gets the reason and is disconnected', async (_what, bytes, reason) => {
    const leases = await serve();
    const answer = await answerTo(bytes);
    if (answer !== '') expect(answer).toMatch(reason);
    expect(leases.log).toEqual([]);
    (await granted()).destroy();
  });

  test('is disconnected after a second request on one connection', async () => {
    const leases = await serve();
    await answerTo(line() + line());
    expect(leases.log).toEqual(['expose 8080', 'lost']);
  });

  test('can send its request byte by byte if it is complete in time', async () => {
    const leases = await serve();
    const socket = dial().setNoDelay(true);
    await once(socket, 'connect');
    for (const byte of line()) socket.write(byte);
    await once(socket, 'data');
    expect(leases.held.size).toBe(1);
    socket.destroy();
  });

  test('is disconnected after 5 s of silence', async () => {
    await serve();
    expect(await answerTo('{"op"')).toMatch(/no request arrived in time/);
  });

  test('cannot lock others out with 300 silent connections', async () => {
    const leases = await serve();
    const silent = Array.from({ length: 300 }, dial);
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    await granted();
    expect(leases.held.size).toBe(1);
    expect(control?.connections).toBeLessThanOrEqual(129);
    for (const socket of silent) socket.destroy();
  });

  test('leaks no memory with 10,000 requests on 10,000 connections and 10,000 on one', async () => {
    const leases = await serve();
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 100; round += 1)
      await Promise.all(
        Array.from({ length: 100 }, () => answerTo(line(round % 2 === 0 ? 'wrong' : TOKEN) + RELEASE)),
      );
    expect(leases.held.size).toBe(0);
    await answerTo(line().repeat(10_000));
    await expect.poll(() => control?.connections).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  test('cannot make the host buffer megabytes after the answer', async () => {
    await serve();
    const socket = await granted();
    const before = process.memoryUsage().rss;
    socket.write(Buffer.alloc(64 * 1024 * 1024, 'x'));
    await closed(socket);
    await sleep(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});
