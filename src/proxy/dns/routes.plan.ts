import type { Endpoint } from '../endpoint.js';

/** The servers of one domain and everything below it. */
export interface DomainServers {
  /** Lower case, without the trailing dot. */
  readonly domain: string;
  readonly servers: readonly Endpoint[];
}

/** The most specific of the domains that a name is in. @param name in lower case, without the trailing dot */
export function routeOf(name: string, domains: readonly DomainServers[]): DomainServers | undefined {
  let found: DomainServers | undefined;
  for (const route of domains) {
    if (isWithin(name, route.domain) && route.domain.length > (found?.domain.length ?? -1)) found = route;
  }
  return found;
}

/** True for the domain itself and for all names below it. */
export function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
