import type { Adapter } from './adapters.codec.js';
import type { NameRule } from './name-rules.plan.js';

/** How Windows resolves names. */
export interface WindowsResolution {
  /** Addresses of its name servers, in the order in which it asks them. */
  readonly servers: readonly string[];
  readonly searchDomains: readonly string[];
  /** For names that other servers are asked for. */
  readonly rules: readonly NameRule[];
}

export interface SearchSettings {
  /** Domains separated by commas, of a group policy or of the system's own settings. */
  readonly lists: readonly (string | undefined)[];
  /** The computer's own domain. */
  readonly domain: string | undefined;
}

/**
 * What Windows lists for an adapter without IPv6 name servers: site-local addresses that nothing answers on,
 * deprecated by https://www.rfc-editor.org/rfc/rfc3879
 */
const isPlaceholder = (address: string): boolean => address.startsWith('fec0:0:0:ffff::');

/**
 * Name servers by the metric of their adapter, lowest first. The search list is the first one that is set, or else
 * the computer's domain and those of its connections.
 * @param own name of the adapter on our switch, whose name server is ourselves
 */
export function planResolution(
  adapters: readonly Adapter[],
  { lists, domain }: SearchSettings,
  own: string,
): Omit<WindowsResolution, 'rules'> {
  const others = adapters
    .filter(({ name }) => name !== own)
    .toSorted((one, other) => (one.metric < other.metric ? -1 : Number(one.metric > other.metric)));
  const servers = others.flatMap(({ nameServers }) => nameServers).filter((each) => !isPlaceholder(each));
  const list = lists.map((each) => domainsIn(each)).find(({ length }) => length > 0);
  const domains = list ?? [domain ?? '', ...others.map(({ suffix }) => suffix)].filter((each) => each !== '');
  return { servers: [...new Set(servers)], searchDomains: [...new Set(domains)] };
}

/** @see https://learn.microsoft.com/troubleshoot/windows-server/networking/configure-domain-suffix-search-list-domain-name-system-clients */
function domainsIn(list: string | undefined): readonly string[] {
  return (list ?? '').split(/[\s,]+/).filter((each) => each !== '');
}
