import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** Opens a client connection. */
export type Open = () => Promise<Socket>;

export interface Latency {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const PING = Buffer.from('GET /_ping HTTP/1.1\r\nHost: docker\r\nUser-Agent: bench\r\n\r\n');

/** Sends `/_ping` on this many persistent connections, one request at a time on each. */
export async function pings(open: Open, connections: number, seconds: number): Promise<Latency> {
  const sockets = await Promise.all(Array.from({ length: connections }, open));
  const times: number[] = [];
  let isMeasured = false;
  let isOver = false;
  const loops = sockets.map(
    (socket) =>
      new Promise<void>((resolve, reject) => {
        let sentMs = 0;
        const send = (): void => {
          sentMs = performance.now();
          socket.write(PING);
        };
        socket.on('data', (chunk: Buffer) => {
          if (chunk[chunk.length - 1] !== 75) return;
          if (isMeasured) times.push(performance.now() - sentMs);
          if (isOver) resolve();
          else send();
        });
        socket.on('error', reject);
        socket.on('close', () => resolve());
        send();
      }),
  );
  await wait(500);
  isMeasured = true;
  const startedMs = performance.now();
  await wait(seconds * 1_000);
  const tookMs = performance.now() - startedMs;
  isOver = true;
  const count = times.length;
  await Promise.all(loops);
  for (const socket of sockets) socket.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? NaN;
  return { perSecond: (count / tookMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: times.at(-1) ?? NaN };
}

/** Megabytes per second of a response body. */
export async function download(open: Open, bytes: number): Promise<number> {
  const socket = await open();
  const startedMs = performance.now();
  socket.write(`GET /bytes/${bytes} HTTP/1.1\r\nHost: docker\r\n\r\n`);
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > bytes) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
  socket.destroy();
  return received / 1e3 / (performance.now() - startedMs);
}

/** Megabytes per second of a request body. */
export async function upload(open: Open, bytes: number): Promise<number> {
  const socket = await open();
  const block = Buffer.alloc(256 * 1024, 'x');
  const startedMs = performance.now();
  const answered = once(socket, 'data');
  socket.write(`POST /build HTTP/1.1\r\nHost: docker\r\nContent-Length: ${bytes}\r\n\r\n`);
  for (let left = bytes; left > 0; left -= block.length) {
    if (!socket.write(left >= block.length ? block : block.subarray(0, left))) await once(socket, 'drain');
  }
  await answered;
  socket.destroy();
  return bytes / 1e3 / (performance.now() - startedMs);
}

/** Passed to every client connection; the type declarations lack it. */
const BUFFER = { highWaterMark: 1024 * 1024 };

/** Waits until a program listens there. */
export function openUnix(path: string): Open {
  return async () => {
    for (let attempt = 0; ; attempt += 1) {
      const socket = connect({ path, ...BUFFER });
      try {
        await once(socket, 'connect');
        return socket;
      } catch (error) {
        if (attempt === 100) throw error;
        await wait(50);
      }
    }
  };
}

export function openTls(options: ConnectionOptions): Open {
  return async () => {
    const socket = connectTls({ ...options, ...BUFFER });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return socket;
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
