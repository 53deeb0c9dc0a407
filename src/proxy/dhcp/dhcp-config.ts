import type { Ipv4, Mac, Subnet } from '../../core/values/index.js';

/** The one fixed lease that the server gives to the VM. */
export interface DhcpConfig {
  /** The host's address on the switch: server identifier, router and DNS server. */
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
  /**
   * Clients renew after half of it and rebind after 7/8: https://www.rfc-editor.org/rfc/rfc2131#section-4.4.5
   */
  readonly leaseSeconds: number;
}
