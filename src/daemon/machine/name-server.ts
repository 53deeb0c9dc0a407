import type { Logger } from '../../core/host/index.js';
import type { Ipv4, Subnet } from '../../core/values/index.js';
import { startDnsServer, watchResolvConf, type DnsEndpoint, type DnsServer } from '../../proxy/index.js';
import type { ClosableServer } from '../server-slot.js';

const DNS_PORT = 53;

export interface NameServerOptions {
  readonly address: Ipv4;
  readonly subnet: Subnet;
  /** Names that the server answers itself, besides those of the host: the VM's own. */
  readonly names: ReadonlyMap<string, Ipv4>;
  /** Resolvers of the settings; empty means those of the host. */
  readonly dnsServers: readonly string[];
  /** The host's resolver file. */
  readonly resolvConfPath: string;
  readonly logger: Logger;
}

/** The DNS server with the resolvers that it asks: those of the settings, or the host's as they change. */
export async function startNameServer(
  options: NameServerOptions,
  signal: AbortSignal,
): Promise<ClosableServer> {
  const { address, subnet, names, dnsServers, logger } = options;
  const fixed: readonly DnsEndpoint[] = dnsServers.map((server) => ({ address: server, port: DNS_PORT }));
  const lifetime = new AbortController();
  const host = await watchResolvConf({ path: options.resolvConfPath, logger, signal: lifetime.signal });
  let server: DnsServer | undefined;
  try {
    const upstreams = (): readonly DnsEndpoint[] => (fixed.length > 0 ? fixed : host.current().nameservers);
    server = await startDnsServer({ address, subnet, port: DNS_PORT, names, upstreams, logger, signal });
  } finally {
    if (server === undefined) await host.close();
  }
  const listening = server;
  return {
    async close() {
      await listening.close();
      await host.close();
    },
  };
}
