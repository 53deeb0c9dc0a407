import type { Logger } from '../../core/host/index.js';
import type { Ipv4, Subnet } from '../../core/values/index.js';
import {
  DEFAULT_PATIENCE,
  hostTable,
  startDnsServer,
  type DnsServer,
  type Endpoint,
  type HostEntry,
  type PortFacts,
  type ResolverSource,
} from '../../proxy/index.js';
import type { ClosableServer } from '../server-slot.js';
import { parseServer } from '../settings/dns-server-address.plan.js';
import { hostsFile, NO_HOSTS } from './hosts-file.js';

const DNS_PORT = 53;

export interface NameServerOptions {
  readonly address: Ipv4;
  readonly subnet: Subnet;
  /** Names that the server answers itself, besides those of the host: the VM's name. */
  readonly names: ReadonlyMap<string, Ipv4>;
  /** The resolvers in the settings; empty means those of the host. */
  readonly dnsServers: readonly string[];
  /** The resolvers of single domains in the settings. */
  readonly dnsDomains: Readonly<Record<string, readonly string[]>>;
  /** Names in the settings, with an address or several. */
  readonly hosts: Readonly<Record<string, string | readonly string[]>>;
  /** Undefined: it is not used. */
  readonly hostsFile: string | undefined;
  /** Starts to follow the host's resolvers. */
  readonly hostResolvers: () => Promise<ResolverSource>;
  readonly portFacts: PortFacts;
  readonly logger: Logger;
}

export interface NameServer extends ClosableServer {
  readonly dns: DnsServer;
}

/**
 * The DNS server with its upstreams: the resolvers in the settings, or else the host's as they change; and
 * the names in the settings and in the host's hosts file, as that changes.
 */
export async function startNameServer(options: NameServerOptions, signal: AbortSignal): Promise<NameServer> {
  const { address, subnet, names, dnsServers, dnsDomains, portFacts, logger } = options;
  const sources: { close(): Promise<void> }[] = [];
  const closeSources = async (): Promise<void> => {
    await Promise.all(sources.map((source) => source.close()));
  };
  try {
    const host = await options.hostResolvers();
    sources.push(host);
    const hosts =
      options.hostsFile === undefined
        ? NO_HOSTS
        : await hostsFile({ path: options.hostsFile, hostAddress: address, logger });
    sources.push(hosts);
    const server = await startDnsServer({
      address,
      subnet,
      port: DNS_PORT,
      names,
      settingsHosts: hostTable(Object.entries(options.hosts).flatMap(entriesOf)),
      hostsFile: hosts,
      domains: Object.entries(dnsDomains).map(([domain, servers]) => ({
        domain,
        servers: endpoints(servers),
      })),
      upstreams: dnsServers.length > 0 ? withServers(host, dnsServers) : host,
      portFacts,
      logger,
      signal,
    });
    const close = async (): Promise<void> => {
      await server.close();
      await closeSources();
    };
    return { dns: server, close };
  } catch (error) {
    await closeSources();
    throw error;
  }
}

function entriesOf([name, addresses]: [string, string | readonly string[]]): readonly HostEntry[] {
  return [addresses].flat().map((address) => ({ address, names: [name] }));
}

function endpoints(servers: readonly string[]): readonly Endpoint[] {
  return servers.flatMap((text) => parseServer(text) ?? []);
}

/** The host's resolvers, but with other servers. */
function withServers(host: ResolverSource, servers: readonly string[]): ResolverSource {
  const fixed = endpoints(servers);
  return {
    current: () => fixed,
    get searchDomains() {
      return host.searchDomains;
    },
    patience: DEFAULT_PATIENCE,
    onChange: (listener) => host.onChange(listener),
    close: () => host.close(),
  };
}
