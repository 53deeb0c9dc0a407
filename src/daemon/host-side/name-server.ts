import type { Logger } from '../../core/host/index.js';
import type { Ipv4, Subnet } from '../../core/values/index.js';
import { startDnsServer, type DnsServer, type PortFacts, type ResolverSource } from '../../proxy/index.js';
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
  const upstreams = dnsServers.length > 0 ? fixedResolvers(dnsServers) : await options.hostResolvers();
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

function fixedResolvers(servers: readonly string[]): ResolverSource {
  const endpoints = servers.map((address) => ({ address, port: DNS_PORT }));
  return {
    current: () => endpoints,
    onChange: () => () => undefined,
    close: () => Promise.resolve(),
  };
}
