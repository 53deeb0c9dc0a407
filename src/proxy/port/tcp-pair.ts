import { connect, type Socket } from 'node:net';
import { errnoOf } from '../../core/values/index.js';
import type { Endpoint } from '../endpoint.js';
import { reset } from '../engine/duplex.js';
import { DRAIN_ON_EMPTY } from './accept-with-onread.js';
import { BytePump, type ByteCounters } from './byte-pump.js';
import type { ForwarderTrouble } from './forwarder.js';
import { halfClosedWatch } from './half-closed-watch.js';

/** For a guest that does not respond at all; a closed port is refused at once. */
const CONNECT_MS = 10_000;
/** Detects clients that vanished without closing their connection. */
const KEEP_ALIVE_AFTER_MS = 600_000;

export interface PairContext {
  readonly counters: ByteCounters;
  readonly pairs: Set<TcpPair>;
  readonly onTrouble: ForwarderTrouble;
}

/**
 * A client's connection, paused at first, and its connection to the guest.
 * INVARIANT: the pair is in `pairs` until both sockets are closed; the end of one side ends the other's
 * writable side, and a reset of one side resets the other.
 */
export class TcpPair {
  readonly #client: Socket;
  readonly #guest: Socket;
  readonly #toGuest: BytePump;
  readonly #toClient: BytePump;
  readonly #context: PairContext;
  #timer: NodeJS.Timeout | undefined;
  #open = 2;

  /** @param toGuest the pump that the client's socket was created with */
  constructor(client: Socket, { address, port }: Endpoint, toGuest: BytePump, context: PairContext) {
    this.#context = context;
    this.#client = client;
    client.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    this.#toGuest = toGuest;
    this.#toClient = new BytePump(context.counters, 'bytesOut');
    const { onread } = this.#toClient;
    const options = { host: address, port, allowHalfOpen: true, noDelay: true, ...DRAIN_ON_EMPTY, onread };
    const guest = connect(options);
    // Nothing is read before both sides are connected: some servers send first.
    guest.pause();
    this.#guest = guest;
    this.#timer = setTimeout(() => this.#unreachable('no answer'), CONNECT_MS);
    guest.on('connect', () => {
      this.#connected();
      this.#toClient.start(guest, client);
      toGuest.start(client, guest);
      for (const socket of [client, guest]) socket.once('end', () => halfClosedWatch.add(socket));
    });
    guest.on('error', (error) => {
      if (this.#timer !== undefined) this.#unreachable(errnoOf(error) ?? error.message);
    });
    guest.on('close', (hadError) => this.#closed(client, hadError));
    client.on('error', nothing);
    client.on('close', (hadError) => this.#closed(guest, hadError));
  }

  /** Resets both sides. */
  reset(): void {
    reset(this.#client);
    // A reset of a connecting socket would wait until it is connected.
    if (this.#guest.connecting) this.#guest.destroy();
    else reset(this.#guest);
  }

  #connected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #unreachable(reason: string): void {
    this.#connected();
    this.#context.onTrouble('ports.connection.refused', `the guest refused the connection: ${reason}`);
    this.reset();
  }

  #closed(other: Socket, hadError: boolean): void {
    if (hadError || this.#timer !== undefined) {
      this.#connected();
      if (other.connecting) other.destroy();
      else reset(other);
    }
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#context.pairs.delete(this);
    this.#toGuest.stop();
    this.#toClient.stop();
  }
}

function nothing(): void {
  // 'close' follows and is handled; without a listener the error would be thrown.
}
