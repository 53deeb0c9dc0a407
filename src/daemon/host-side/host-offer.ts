import type { Logger } from '../../core/host/index.js';
import type { DhcpOffer, ResolverSource } from '../../proxy/index.js';
import { followUplinkMtu } from './uplink-mtu.js';

export interface HostOfferOptions {
  /** Opens the host's resolvers, for their search list. */
  readonly resolvers: () => Promise<ResolverSource>;
  readonly uplinkMtu: ((signal: AbortSignal) => Promise<number | undefined>) | undefined;
  /** The highest MTU to offer. */
  readonly mtuBytes: number;
  readonly logger: Logger;
}

/** The part of the DHCP server's offer that follows the host. */
export interface HostOffer {
  current(): Pick<DhcpOffer, 'domainSearch' | 'mtuBytes'>;
  close(): Promise<void>;
}

/** Follows the host's search list and the MTU of its uplinks until it is closed. */
export async function followHostOffer(options: HostOfferOptions): Promise<HostOffer> {
  const resolvers = await options.resolvers();
  const mtu = await followUplinkMtu(options.uplinkMtu, options.logger);
  return {
    current: () => ({ domainSearch: resolvers.searchDomains, mtuBytes: mtu.atMost(options.mtuBytes) }),
    close: async () => {
      mtu.close();
      await resolvers.close();
    },
  };
}
