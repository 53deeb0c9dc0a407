import { connect, type Socket } from 'node:net';
import { errnoOf } from '../../core/values/index.js';
import { reset } from '../engine/duplex.js';
import { SINK } from './accept-reading.js';
import { ByteFlow, type ByteCounters } from './byte-flow.js';
import type { ForwarderTrouble, GuestPlace } from './forwarder.js';

/** A guest that does not answer by then is not there; one that refuses does so at once. */
const CONNECT_MS = 10_000;
/** Of a client that went away without a word nothing else is ever heard. */
const KEEP_ALIVE_AFTER_MS = 600_000;

export interface PairSurroundings {
  readonly counters: ByteCounters;
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
  readonly #toGuest: ByteFlow;
  readonly #toClient: ByteFlow;
  readonly #around: PairSurroundings;
  #timer: NodeJS.Timeout | undefined;
  #open = 2;

  /** @param toGuest takes what the client says */
  constructor(client: Socket, { host, port }: GuestPlace, toGuest: ByteFlow, around: PairSurroundings) {
    this.#around = around;
    this.#client = client;
    client.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    this.#toGuest = toGuest;
    this.#toClient = new ByteFlow(around.counters, 'bytesOut');
    const { onread } = this.#toClient;
    const options = { host, port, allowHalfOpen: true, noDelay: true, ...SINK, onread };
    const guest = connect(options);
    // A guest that speaks first must find the client's side ready.
    guest.pause();
    this.#guest = guest;
    this.#timer = setTimeout(() => this.#unreachable('no answer'), CONNECT_MS);
    guest.on('connect', () => {
      this.#connected();
      this.#toClient.begin(guest, client);
      toGuest.begin(client, guest);
    });
    guest.on('error', (error) => {
      if (this.#timer !== undefined) this.#unreachable(errnoOf(error) ?? error.message);
    });
    guest.on('close', (hadError) => this.#closed(client, hadError));
    client.on('error', nothing);
    client.on('close', (hadError) => this.#closed(guest, hadError));
  }

  /** Both sides get a reset. */
  cut(): void {
    reset(this.#client);
    // One that is still connecting would only be reset once it has.
    if (this.#guest.connecting) this.#guest.destroy();
    else reset(this.#guest);
  }

  #connected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #unreachable(reason: string): void {
    this.#connected();
    this.#around.onTrouble('ports.connection.refused', `the guest does not take it: ${reason}`);
    this.cut();
  }

  #closed(other: Socket, hadError: boolean): void {
    if (hadError || this.#timer !== undefined) {
      this.#connected();
      if (other.connecting) other.destroy();
      else reset(other);
    }
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#around.pairs.delete(this);
    this.#toGuest.end();
    this.#toClient.end();
  }
}

function nothing(): void {
  // The close that follows says all; without a listener the error would end the process.
}
