import type { Endpoint } from '../endpoint.js';

/** Where a published port leads in the guest; undefined while it cannot be reached. */
export type GuestTarget = () => Endpoint | undefined;

/** Forwards one listening address of a published port to the guest. */
export interface Forwarder {
  /** False if it stopped listening on its own. */
  readonly isListening: boolean;
  /** Open TCP connections, or active UDP clients. */
  readonly connections: number;
  /** From the host to the guest, since it was opened. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Resets open connections; keeps listening. */
  reset(): void;
  /** The port is free when this returns; open connections are reset. */
  close(): void;
}

/** Reports what users of a port would otherwise wonder about; `reason` is for people. */
export type ForwarderTrouble = (event: `ports.${string}`, reason: string) => void;

export interface ForwarderOptions {
  readonly address: string;
  readonly port: number;
  readonly target: GuestTarget;
  /** UDP: our socket on the wildcard address and others on single addresses have the same port. */
  readonly isShared?: boolean;
  readonly onTrouble: ForwarderTrouble;
}
