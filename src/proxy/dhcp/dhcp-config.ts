import type { Ipv4, Mac, Subnet } from '../../core/values/index.js';

/** What the server hands out: one fixed lease, to one VM. */
export interface DhcpConfig {
  /** Our address on the switch: server identifier, router and DNS server at once. */
  readonly serverAddress: Ipv4;
  readonly subnet: Subnet;
  readonly lease: {
    readonly mac: Mac;
    readonly address: Ipv4;
    readonly hostname: string;
  };
  /** Option 15, for example `mobyvm.internal`; empty sends none. */
  readonly domain: string;
  /** Option 119, sent only to clients that ask for it; absent or empty sends none. */
  readonly domainSearch?: readonly string[];
  readonly mtuBytes: number;
  /** The client renews at half of it and rebinds at seven eighths (RFC 2131 §4.4.5). */
  readonly leaseSeconds: number;
}
