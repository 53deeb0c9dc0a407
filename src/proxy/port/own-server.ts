import type { Protocol } from '../port-facts.js';

export interface ProtocolPort {
  readonly protocol: Protocol;
  readonly hostPort: number;
}

/** A server of mobyvm at the host's address on the switch: published ports leave that address to it. */
export interface OwnServer extends ProtocolPort {
  /** `mobyvm's DNS server`: for the error of a port that is published on that very address. */
  readonly name: string;
}

export function isSamePort(one: ProtocolPort, other: ProtocolPort): boolean {
  return one.protocol === other.protocol && one.hostPort === other.hostPort;
}
