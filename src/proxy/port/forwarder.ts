/** Where the guest takes the connections of a published port; undefined while there is no way to it. */
export type GuestTarget = () => GuestPlace | undefined;

export interface GuestPlace {
  readonly host: string;
  readonly port: number;
}

/** Carries one published port to the guest. */
export interface Forwarder {
  /** False when it stopped listening by itself. */
  readonly isListening: boolean;
  /** TCP connections, or UDP clients, that are open now. */
  readonly connections: number;
  /** From the host's side to the guest, since it was opened. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Cuts what is open; goes on listening. */
  reset(): void;
  /** The place is free when this returns; what is open is cut. */
  close(): void;
}

/** Told of what a port's users would otherwise wonder about; `reason` is for people. */
export type ForwarderTrouble = (event: `ports.${string}`, reason: string) => void;

export interface ForwarderOptions {
  readonly address: string;
  readonly port: number;
  readonly target: GuestTarget;
  readonly onTrouble: ForwarderTrouble;
}
