import type { Endpoint } from './endpoint.js';

export type Protocol = 'tcp' | 'udp';

export interface PortOwner {
  readonly pid: number;
  /** The program's name as the system lists it; Linux cuts it to 15 characters. */
  readonly name: string;
}

/** One bound UDP socket, or one listening TCP socket. */
export interface BoundSocket {
  /**
   * Dotted IPv4 address; `*` for the wildcard address of either family; any other text for an IPv6 address.
   */
  readonly address: string;
  readonly port: number;
}

export interface PortAddress {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
}

/** Why the system refused a bind. The same errno means different things on Linux and on Windows. */
export type BindFailure =
  | { readonly kind: 'in-use'; readonly owner: PortOwner | undefined }
  /** The system keeps these ports from every program. */
  | { readonly kind: 'reserved'; readonly first: number; readonly last: number }
  | { readonly kind: 'no-address' }
  | { readonly kind: 'not-permitted' }
  | { readonly kind: 'other' };

/** What our servers ask the host about ports. src/daemon passes the implementation of the platform. */
export interface PortFacts {
  /** The sockets of this host (on Linux: of our network namespace); empty if the system does not say. */
  boundSockets(protocol: Protocol): Promise<readonly BoundSocket[]>;
  /**
   * Who has a port. A socket on the wildcard address has the port of every address.
   * @param address count only sockets on this IPv4 address or on the wildcard; any socket if absent
   * @returns undefined if nobody has it, or the system does not say who
   */
  owner(protocol: Protocol, port: number, address?: string): Promise<PortOwner | undefined>;
  /** Never throws: what cannot be explained is `other`. */
  bindFailure(wanted: PortAddress, error: unknown): Promise<BindFailure>;
  /**
   * The addresses of this host now, each in the form in which it can be listened on: a link-local IPv6
   * address has its zone behind a `%` (https://www.rfc-editor.org/rfc/rfc4007#section-11), which is a name on
   * Linux and an index on Windows.
   */
  hostAddresses(): readonly string[];
  /**
   * The address that a UDP client of this host has connected its socket to. Only where a socket on the wildcard
   * address may stand beside those on single addresses, and takes what is for none of them.
   * @param client where its datagrams come from
   * @param port where they go to
   * @returns undefined if it has not connected its socket
   */
  udpDestination?(client: Endpoint, port: number): Promise<string | undefined>;
}
