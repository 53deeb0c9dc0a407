import { connect, type Socket } from 'node:net';
import { errnoOf } from '../../core/index.js';
import { reset } from '../engine/duplex.js';
import type { ForwarderTrouble, GuestPlace } from './forwarder.js';

/** A guest that does not answer by then is not there; one that refuses does so at once. */
const CONNECT_MS = 10_000;
/** Of a client that went away without a word nothing else is ever heard. */
const KEEP_ALIVE_AFTER_MS = 600_000;
/** What a slow reader may leave with us, each way, beside one read. */
const BUFFER_BYTES = 128 * 1024;

export interface PairSurroundings {
  readonly counters: { bytesIn: number; bytesOut: number };
  readonly pairs: Set<TcpPair>;
  readonly onTrouble: ForwarderTrouble;
}

/**
 * A client's connection, which comes paused, and the one to the guest that belongs to it.
 * INVARIANT: it is in `pairs` until both are closed; an end on one side ends the other's writing, a reset resets it.
 */
export class TcpPair {
  readonly #client: Socket;
  readonly #guest: Socket;
  readonly #around: PairSurroundings;
  #timer: NodeJS.Timeout | undefined;
  #open = 2;

  constructor(client: Socket, { host, port }: GuestPlace, around: PairSurroundings) {
    this.#around = around;
    this.#client = client;
    client.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    const options = { host, port, allowHalfOpen: true, noDelay: true, highWaterMark: BUFFER_BYTES };
    this.#guest = connect(options);
    this.#timer = setTimeout(() => this.#unreachable('no answer'), CONNECT_MS);
    this.#guest.once('connect', () => this.#carry());
    this.#guest.once('error', (error) => {
      if (this.#timer !== undefined) this.#unreachable(errnoOf(error) ?? error.message);
    });
    this.#guest.once('close', (hadError) => this.#closed(client, hadError));
    client.once('error', nothing);
    client.once('close', (hadError) => this.#closed(this.#guest, hadError));
  }

  /** Both sides get a reset. */
  cut(): void {
    reset(this.#client);
    reset(this.#guest);
  }

  #carry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { counters } = this.#around;
    carry(this.#client, this.#guest, (bytes) => {
      counters.bytesIn += bytes;
    });
    carry(this.#guest, this.#client, (bytes) => {
      counters.bytesOut += bytes;
    });
  }

  #unreachable(reason: string): void {
    this.#around.onTrouble('ports.connection.refused', `the guest does not take it: ${reason}`);
    this.cut();
  }

  #closed(other: Socket, hadError: boolean): void {
    if (hadError || this.#timer !== undefined) reset(other);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#open -= 1;
    if (this.#open === 0) this.#around.pairs.delete(this);
  }
}

function carry(source: Socket, sink: Socket, count: (bytes: number) => void): void {
  const resume = (): void => void source.resume();
  source.on('data', (chunk) => {
    count(chunk.length);
    if (sink.write(chunk)) return;
    source.pause();
    sink.once('drain', resume);
  });
  source.once('end', () => sink.end());
  source.resume();
}

function nothing(): void {
  // The close that follows says all; without a listener the error would end the process.
}
