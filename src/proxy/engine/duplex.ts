import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/**
 * How much each stream may buffer, in bytes, each way. More than the 64 KiB that one read brings, so that a peer
 * which keeps up never makes the other side pause.
 */
export const STREAM_BUFFER_BYTES = 128 * 1024;

export type ByteDirection = 'toEngine' | 'toClient';

export interface TunnelOptions {
  /** Cuts the tunnel. */
  readonly signal?: AbortSignal;
  /** What was read from the client before there was an engine; the engine gets it first. */
  readonly early?: readonly Uint8Array[];
  readonly onBytes?: (direction: ByteDirection, count: number) => void;
}

/** `finished`: both sides ended by themselves. Otherwise who went without having ended. */
export type TunnelEnd = 'finished' | 'client gone' | 'engine gone' | 'cut';

/**
 * Copies bytes both ways until both streams are closed: at the speed of the slower reader, each direction ending by
 * itself. A client that goes away resets the engine's side at once; an engine that goes away closes the client's
 * side after what it still had to say. There is no idle limit: `docker events` may be silent for days.
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
  // Not waited for: they are bounded, and `copy` stops at the first chunk that finds the engine slow.
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

/** Tells {@link reset} which TCP connection carries a TLS stream. */
export function carriedBy(stream: Duplex, tcp: Socket): void {
  carriers.set(stream, tcp);
}

/** After that long without an end in sight, an orderly one is given up. */
const SHUTDOWN_MS = 1_000;

/** Closes a stream without any pretence of an orderly end: a TCP peer gets a reset. */
export function reset(stream: Duplex): void {
  const carrier = carriers.get(stream) ?? stream;
  // Only a bare TCP socket can send one; it is told apart from a unix socket by having a remote address.
  if (!(carrier instanceof Socket) || carrier instanceof TLSSocket || carrier.remoteAddress === undefined) {
    stream.destroy();
  } else if (isShuttingDown(stream)) {
    // libuv refuses to reset it now, and Node (20) then forgets the socket without ever closing it.
    const timer = setTimeout(() => stream.destroy(), SHUTDOWN_MS);
    stream.once('finish', () => carrier.resetAndDestroy());
    stream.once('close', () => clearTimeout(timer));
  } else {
    carrier.resetAndDestroy();
  }
}

/** The end was said and is on its way to the kernel, which happens once all that was written before has got there. */
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

/** Resolves when the stream is closed, to whether both of its directions had ended before. */
function closed(stream: Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (): void =>
      resolve(stream.errored === null && stream.readableEnded && stream.writableFinished);
    // The error itself is told by `errored`; without a listener it would end the process.
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
