import { Listeners, type Logger } from '../../core/host/index.js';
import { DEFAULT_PATIENCE, type Patience, type ResolverSource, type Upstream } from '../../proxy/index.js';
import { followFile } from '../host-side/followed-file.js';
import { searchDomainsOf } from '../host-side/search-domains.plan.js';
import { parseResolvConf } from './resolv-conf.codec.js';

export interface ResolvConfOptions {
  /** Usually `/etc/resolv.conf`. */
  readonly path: string;
  /** The servers that systemd-resolved itself asks: `/run/systemd/resolve/resolv.conf`. */
  readonly uplinkPath: string;
  /** The host's own name: its domain is the search list if resolv.conf has none. */
  readonly hostName: string;
  readonly logger: Logger;
  /** Milliseconds between checks; 2,000 if absent. */
  readonly everyMs?: number;
}

const MAX_FILE_BYTES = 64 * 1024;
const DNS_PORT = 53;
/** What the system's resolver asks if resolv.conf is missing or names no server. */
const LOOPBACK: Upstream = { address: '127.0.0.1', port: DNS_PORT };
/** https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html */
const RESOLVED_STUBS = ['127.0.0.53', '127.0.0.54'];

interface Reading {
  readonly servers: readonly Upstream[];
  readonly searchDomains: readonly string[];
  readonly patience: Patience;
}

/**
 * How the host's resolv.conf says that names are resolved, read again whenever it changes: a laptop gets new
 * servers with each network.
 *
 * systemd-resolved is asked at its stub address, because it knows which server serves which domain. Where
 * nothing listens there, as in a network namespace of our own, its servers are asked instead.
 */
export async function resolvConfResolvers(options: ResolvConfOptions): Promise<ResolverSource> {
  const { path, uplinkPath, hostName, logger, everyMs } = options;
  const polling = { maxBytes: MAX_FILE_BYTES, ...(everyMs === undefined ? {} : { everyMs }) };
  const own = await followFile({
    ...polling,
    path,
    parse: (text, reason) => {
      if (reason !== undefined) logger.info('dns.resolv-conf.missing', { path, reason });
      return parseResolvConf(text ?? '');
    },
  });
  const uplinks = await followFile({
    ...polling,
    path: uplinkPath,
    parse: (text) => parseResolvConf(text ?? '').nameservers,
  });
  const changes = new Listeners();
  const read = (): Reading => {
    const { nameservers, search, patience } = own.value;
    return {
      servers: withUplinks(nameservers.length === 0 ? [LOOPBACK] : nameservers, uplinks.value),
      searchDomains: search ?? searchDomainsOf(domainOf(hostName)),
      patience: { ...DEFAULT_PATIENCE, ...patience },
    };
  };
  let reading = read();
  const update = (): void => {
    const found = read();
    if (JSON.stringify(found) === JSON.stringify(reading)) return;
    reading = found;
    const servers = found.servers.map(({ address }) => address).join(' ');
    logger.info('dns.upstream.changed', { path, servers, search: found.searchDomains.join(' ') });
    changes.emit();
  };
  own.onChange(update);
  uplinks.onChange(update);
  return {
    current: () => reading.servers,
    get searchDomains() {
      return reading.searchDomains;
    },
    get patience() {
      return reading.patience;
    },
    onChange: (listener) => changes.add(listener),
    close: async () => {
      await Promise.all([own.close(), uplinks.close()]);
    },
  };
}

function withUplinks(servers: readonly Upstream[], uplinks: readonly Upstream[]): readonly Upstream[] {
  if (!servers.some(({ address }) => RESOLVED_STUBS.includes(address))) return servers;
  const more = uplinks.filter(({ address }) => !servers.some((server) => server.address === address));
  return [...servers, ...more.map((uplink) => ({ ...uplink, isLastResort: true }))];
}

function domainOf(hostName: string): readonly string[] {
  const dot = hostName.indexOf('.');
  return dot === -1 ? [] : [hostName.slice(dot + 1)];
}
