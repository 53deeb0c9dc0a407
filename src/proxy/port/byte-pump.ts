import type { OnReadOpts, Socket } from 'node:net';
import { nextBuffer, releaseBuffer, smallBuffer } from './read-buffer-pool.js';

/** Bytes carried in each direction; shared by all connections of a port. */
export interface ByteCounters {
  bytesIn: number;
  bytesOut: number;
}

/**
 * One direction of a connection: writes what is read from the source to the sink, and pauses the source while
 * the sink has bytes queued. Each connection has two, so they hold little state.
 * INVARIANT: nothing is read into the buffer while the sink has bytes of it queued.
 */
export class BytePump {
  readonly #counters: ByteCounters;
  readonly #direction: keyof ByteCounters;
  #source: Socket | undefined;
  #sink: Socket | undefined;
  #buffer: Buffer | undefined;

  constructor(counters: ByteCounters, direction: keyof ByteCounters) {
    this.#counters = counters;
    this.#direction = direction;
  }

  /** An option for creating the source socket, which makes its reads come here. */
  get onread(): OnReadOpts {
    this.#buffer = smallBuffer();
    return {
      buffer: () => (this.#buffer ??= smallBuffer()),
      callback: (count, buffer) => this.#take(count, buffer as Buffer),
    };
  }

  /** The source must have been paused until now; it may be a socket without `onread`. */
  start(source: Socket, sink: Socket): void {
    this.#source = source;
    this.#sink = sink;
    source.on('end', () => sink.end());
    if (this.#buffer === undefined)
      source.on('data', (chunk) => {
        if (!this.#write(chunk)) source.pause();
      });
    source.resume();
  }

  /** Call once both sockets are closed. */
  stop(): void {
    if (this.#buffer !== undefined) releaseBuffer(this.#buffer);
    this.#buffer = undefined;
  }

  #take(count: number, buffer: Buffer): boolean {
    const isWritten = this.#write(count === buffer.length ? buffer : buffer.subarray(0, count));
    // Otherwise the sink drains completely before the next read into the same buffer.
    this.#buffer = isWritten ? nextBuffer(buffer, count) : buffer;
    return isWritten;
  }

  /** @returns whether the sink has written all of it; if not, the source is resumed when it has */
  #write(chunk: Buffer): boolean {
    this.#counters[this.#direction] += chunk.length;
    const sink = this.#sink;
    if (sink === undefined) return true;
    sink.write(chunk);
    if (sink.writableLength === 0) return true;
    sink.once('drain', () => this.#source?.resume());
    return false;
  }
}
