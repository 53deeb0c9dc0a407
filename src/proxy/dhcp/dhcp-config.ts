import type { Ipv4, Mac, Subnet } from '../../core/values/index.js';

/** What may change while the server runs: the client learns it when it renews its lease. */
export interface DhcpOffer {
  /**
   * Option 119, sent only to clients that ask for it; absent or empty sends none. Names that are none are left
   * out.
   */
  readonly domainSearch?: readonly string[];
  readonly mtuBytes: number;
  /** Option 42, sent only to clients that ask for it; absent or empty sends none. */
  readonly ntpServers?: readonly Ipv4[];
}

/**
 * The one fixed lease that the server gives to the VM. It has one route, by option 3: with option 121 clients
 * would have to ignore that one (https://www.rfc-editor.org/rfc/rfc3442).
 */
export interface DhcpConfig extends DhcpOffer {
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
  /**
   * Clients renew after half of it and rebind after 7/8: https://www.rfc-editor.org/rfc/rfc2131#section-4.4.5
   */
  readonly leaseSeconds: number;
}
