import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { errnoOf } from '../../core/values/index.js';

/**
 * How many bytes each stream may buffer each way. More than the 64 KiB of one read, so that a peer that keeps
 * up never pauses the other side.
 */
export const STREAM_BUFFER_BYTES = 128 * 1024;

export type ByteDirection = 'toEngine' | 'toClient';

export interface TunnelOptions {
  /** Closes the tunnel. */
  readonly signal?: AbortSignal;
  /** What was read from the client before the engine was connected; it is sent first. */
  readonly early?: readonly Uint8Array[];
  readonly onBytes?: (direction: ByteDirection, count: number) => void;
}

/** `finished`: both sides ended properly. Otherwise, who closed without ending first. */
export type TunnelEnd = 'finished' | 'client gone' | 'engine gone' | 'cut';

/**
 * Copies bytes both ways until both streams are closed, at the speed of the slower reader; each direction
 * ends independently. A client that goes away resets the engine's side at once. An engine that goes away
 * closes the client's side once all received bytes are delivered. There is no idle limit: `docker events` may
 * be silent for days.
 */
export async function tunnel(client: Duplex, engine: Duplex, options: TunnelOptions): Promise<TunnelEnd> {
  let end: TunnelEnd = 'finished';
  const cut = (): void => {
    end = 'cut';
    reset(client);
    reset(engine);
  };
  const clientClosed = closed(client).then((wasComplete) => {
    if (wasComplete) return;
    if (end === 'finished') end = 'client gone';
    reset(engine);
  });
  const engineClosed = closed(engine).then((wasComplete) => {
    if (wasComplete) return;
    if (end === 'finished') end = 'engine gone';
    destroyAfterFlush(client);
  });
  options.signal?.addEventListener('abort', cut, { once: true });
  if (options.signal?.aborted === true) cut();

  copy(engine, client, (count) => options.onBytes?.('toClient', count));
  // Without waiting for 'drain': they are bounded, and `copy` pauses at the first chunk if the engine is
  // slow.
  for (const chunk of options.early ?? []) {
    options.onBytes?.('toEngine', chunk.length);
    engine.write(chunk);
  }
  copy(client, engine, (count) => options.onBytes?.('toEngine', count));

  await Promise.all([clientClosed, engineClosed]);
  options.signal?.removeEventListener('abort', cut);
  return end;
}

const carriers = new WeakMap<Duplex, Socket>();

/** Registers the TCP connection that carries a TLS stream, for {@link reset}. */
export function carriedBy(stream: Duplex, tcp: Socket): void {
  carriers.set(stream, tcp);
}

/**
 * Makes writes of a connection fail only after everything has been read from it. A server that refuses a request
 * closes the connection while the body is still being sent: the write fails, but the response is already in the
 * receive buffer, and Node.js would drop it together with the stream.
 */
export function failWritesAfterReading(socket: Socket): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, callback) => write(chunk, encoding, afterReading(socket, callback));
  socket._writev = (chunks, callback) => writev?.(chunks, afterReading(socket, callback));
}

type WriteCallback = (error?: Error | null) => void;

function afterReading(socket: Socket, callback: WriteCallback): WriteCallback {
  return (error) => {
    const hasMore = !socket.readableEnded && !socket.destroyed;
    if (!hasMore || !['EPIPE', 'ECONNRESET'].includes(errnoOf(error) ?? '')) return callback(error);
    const fail = (): void => {
      socket.off('end', fail).off('close', fail);
      callback(error);
    };
    socket.once('end', fail).once('close', fail);
  };
}

/** How long an orderly shutdown may take. */
const SHUTDOWN_MS = 1_000;

/** Closes a stream abruptly: a TCP peer gets a reset instead of an orderly end. */
export function reset(stream: Duplex): void {
  const carrier = carriers.get(stream) ?? stream;
  // Only a plain TCP socket can send one; unlike a unix socket, it has a remote address.
  if (!(carrier instanceof Socket) || carrier instanceof TLSSocket || carrier.remoteAddress === undefined) {
    stream.destroy();
  } else if (isShuttingDown(stream)) {
    // uv_tcp_close_reset fails during a shutdown (https://docs.libuv.org/en/v1.x/tcp.html), and Node.js 20
    // then drops the socket without ever closing it.
    const timer = setTimeout(() => stream.destroy(), SHUTDOWN_MS);
    stream.once('finish', () => carrier.resetAndDestroy());
    stream.once('close', () => clearTimeout(timer));
  } else {
    carrier.resetAndDestroy();
  }
}

/** end() was called and everything is written, but the kernel's shutdown is still pending. */
function isShuttingDown(stream: Duplex): boolean {
  return stream.writableEnded && !stream.writableFinished && stream.writableLength === 0 && !stream.destroyed;
}

function copy(source: Duplex, sink: Duplex, onBytes: (count: number) => void): void {
  if (source.readableEnded) {
    sink.end();
    return;
  }
  source.on('data', (chunk: Uint8Array) => {
    onBytes(chunk.length);
    if (sink.write(chunk)) return;
    source.pause();
    sink.once('drain', () => source.resume());
  });
  source.once('end', () => sink.end());
  source.resume();
}

/** Resolves when the stream is closed, to whether both directions had ended before. */
function closed(stream: Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (): void =>
      resolve(stream.errored === null && stream.readableEnded && stream.writableFinished);
    // `errored` reports it; without a listener it would be uncaught.
    stream.on('error', () => undefined);
    if (stream.closed) settle();
    else stream.once('close', settle);
  });
}

function destroyAfterFlush(stream: Duplex): void {
  if (stream.writableFinished || stream.destroyed) stream.destroy();
  else {
    stream.once('finish', () => stream.destroy());
    stream.end();
  }
}
