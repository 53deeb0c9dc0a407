import type { Logger } from '../../core/host/index.js';
import type { Ipv4, Subnet } from '../../core/values/index.js';
import {
  DEFAULT_PATIENCE,
  startDnsServer,
  type DnsServer,
  type PortFacts,
  type ResolverSource,
} from '../../proxy/index.js';
import type { ClosableServer } from '../server-slot.js';

const DNS_PORT = 53;

export interface NameServerOptions {
  readonly address: Ipv4;
  readonly subnet: Subnet;
  /** Names that the server answers itself, besides those of the host: the VM's name. */
  readonly names: ReadonlyMap<string, Ipv4>;
  /** The resolvers in the settings; empty means those of the host. */
  readonly dnsServers: readonly string[];
  /** Starts to follow the host's resolvers. */
  readonly hostResolvers: () => Promise<ResolverSource>;
  readonly portFacts: PortFacts;
  readonly logger: Logger;
}

/** The DNS server with its upstreams: the resolvers in the settings, or else the host's as they change. */
export async function startNameServer(
  options: NameServerOptions,
  signal: AbortSignal,
): Promise<ClosableServer> {
  const { address, subnet, names, dnsServers, portFacts, logger } = options;
  const host = await options.hostResolvers();
  const upstreams = dnsServers.length > 0 ? withServers(host, dnsServers) : host;
  let server: DnsServer | undefined;
  try {
    server = await startDnsServer({
      address,
      subnet,
      port: DNS_PORT,
      names,
      upstreams,
      portFacts,
      logger,
      signal,
    });
  } finally {
    if (server === undefined) await upstreams.close();
  }
  const listening = server;
  return {
    async close() {
      await listening.close();
      await upstreams.close();
    },
  };
}

/** The host's resolvers, but with other servers. */
function withServers(host: ResolverSource, servers: readonly string[]): ResolverSource {
  const endpoints = servers.map((address) => ({ address, port: DNS_PORT }));
  return {
    current: () => endpoints,
    get searchDomains() {
      return host.searchDomains;
    },
    patience: DEFAULT_PATIENCE,
    onChange: (listener) => host.onChange(listener),
    close: () => host.close(),
  };
}
