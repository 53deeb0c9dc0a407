import type { Duplex } from 'node:stream';
import type { Logger } from './log.js';

/** Who may connect, besides root (Windows: SYSTEM and administrators). */
export type LocalAccess =
  | { readonly kind: 'owner only' }
  /** Members of the group too. If the group does not exist, nobody else may connect. */
  | { readonly kind: 'group'; readonly name: string };

/**
 * Makes a stream fail if its peer has closed for good. A client that has ended its input may still wait for
 * output (half-close) or may have died; both look the same until it is probed.
 */
export type HangupProbe = (client: Duplex) => void;

/**
 * Takes one accepted connection. The stream must be used as follows on every platform:
 * - It allows half-open use: the client may end its input and still read. Ending our side may close the whole
 *   connection (a named pipe has no half-close that every client understands), so end it only after the last
 *   byte has been read that matters.
 * - It is nothing more than a Duplex: no `setTimeout`, no addresses.
 * - Writing zero bytes is neither data nor an end to the client.
 * @param probe undefined if the platform reports a closed peer without being asked
 */
export type OnLocalConnection = (stream: Duplex, probe: HangupProbe | undefined) => void;

export interface LocalListenerOptions {
  /** Path of a unix socket, or name of a named pipe (`\\.\pipe\mobyvm_engine`). */
  readonly address: string;
  readonly access: LocalAccess;
  readonly onConnection: OnLocalConnection;
  /** How many bytes each connection buffers each way; Node's default if absent. */
  readonly highWaterMark?: number | undefined;
  readonly logger: Logger;
  /** Ends the start of the listener, not the listener. */
  readonly signal?: AbortSignal | undefined;
}

/** An endpoint that only programs on this host can reach. */
export interface LocalListener {
  readonly address: string;
  /** Number of open connections. */
  readonly connections: number;
  /**
   * Recreates the endpoint if it was deleted; open connections are not affected. A named pipe cannot
   * be deleted, so this does nothing there.
   * @returns whether it was recreated
   * @throws as {@link ListenLocally} does
   */
  restore(): Promise<boolean>;
  /**
   * Removes the endpoint, destroys all connections and resolves when they are closed. Never removes an
   * endpoint that is no longer ours. Safe to call repeatedly.
   */
  close(): Promise<void>;
}

/**
 * Listens at a local address. Nobody can connect who may not: access is restricted before the endpoint
 * becomes visible. What a dead process has left at the address is replaced.
 * @throws MobyvmError MOBYVM_ENDPOINT_IN_USE naming the program that listens there, MOBYVM_FOREIGN_OBJECT if
 *   the address is something else than an endpoint, MOBYVM_SETTINGS if it is too long
 */
export type ListenLocally = (options: LocalListenerOptions) => Promise<LocalListener>;
