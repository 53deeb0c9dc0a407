import type { OnReadOpts, Socket } from 'node:net';
import { giveBack, nextBuffer, smallBuffer } from './read-buffers.js';

/** What a flow has carried, by the direction that it has; one for all flows of a port. */
export interface ByteCounters {
  bytesIn: number;
  bytesOut: number;
}

/**
 * One direction of a connection: what is read from the source is written to the sink, which takes it at once or makes the source
 * wait until it has. There are two for each connection, so they keep little.
 * INVARIANT: while the sink still holds bytes of the buffer, nothing is read into it.
 */
export class ByteFlow {
  readonly #counters: ByteCounters;
  readonly #direction: keyof ByteCounters;
  #source: Socket | undefined;
  #sink: Socket | undefined;
  #buffer: Buffer | undefined;

  constructor(counters: ByteCounters, direction: keyof ByteCounters) {
    this.#counters = counters;
    this.#direction = direction;
  }

  /** For the making of the source: its reads come to this flow. */
  get onread(): OnReadOpts {
    this.#buffer = smallBuffer();
    return {
      buffer: () => (this.#buffer ??= smallBuffer()),
      callback: (count, buffer) => this.#take(count, buffer as Buffer),
    };
  }

  /** The source must be paused until here; it may be one that reads by itself, without `onread`. */
  begin(source: Socket, sink: Socket): void {
    this.#source = source;
    this.#sink = sink;
    source.on('end', () => sink.end());
    if (this.#buffer === undefined)
      source.on('data', (chunk) => {
        if (!this.#write(chunk)) source.pause();
      });
    source.resume();
  }

  /** Both sockets are closed. */
  end(): void {
    if (this.#buffer !== undefined) giveBack(this.#buffer);
    this.#buffer = undefined;
  }

  #take(count: number, buffer: Buffer): boolean {
    const isTaken = this.#write(count === buffer.length ? buffer : buffer.subarray(0, count));
    // What waits in the sink is written, all of it, before the next read.
    this.#buffer = isTaken ? nextBuffer(buffer, count) : buffer;
    return isTaken;
  }

  /** @returns whether the sink has passed all of it on; if not, the source is resumed when it has */
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
