import { isIpv4 } from '../../core/values/index.js';
import type { DnsEndpoint } from './dns-endpoint.js';

/** resolv.conf(5): more are ignored by the system's own resolver as well. We take some more, for fail-over. */
const MAX_NAMESERVERS = 8;
const MAX_SEARCH = 32;

export interface ResolvConf {
  readonly nameservers: readonly DnsEndpoint[];
  readonly search: readonly string[];
}

/**
 * Reads resolv.conf(5): `nameserver ADDRESS`, `search NAME…` and `domain NAME` (the last of the two counts); `#` and
 * `;` begin comments. What it does not know it passes over, as the system's resolver does; it never throws.
 */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: DnsEndpoint[] = [];
  let search: readonly string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [keyword = '', ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    const [first = ''] = values;
    if (keyword === 'nameserver' && isAddress(first) && !nameservers.some((one) => one.address === first)) {
      nameservers.push({ address: first, port: 53 });
    }
    if (keyword === 'search') search = values;
    if (keyword === 'domain') search = values.slice(0, 1);
  }
  return {
    nameservers: nameservers.slice(0, MAX_NAMESERVERS),
    search: search.filter((name) => name !== '.' && name.length <= 253).slice(0, MAX_SEARCH),
  };
}

/** IPv6 roughly: a wrong one fails when it is asked, like a server that is gone. */
function isAddress(text: string): boolean {
  return isIpv4(text) || (/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(text) && text.split(':').length >= 3);
}
