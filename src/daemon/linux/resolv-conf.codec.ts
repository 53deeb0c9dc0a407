import { isIpv4 } from '../../core/values/index.js';
import type { Endpoint } from '../../proxy/index.js';

/** The system's resolver uses three (MAXNS); a few more serve as fallbacks. */
const MAX_NAMESERVERS = 8;
const MAX_SEARCH = 32;

export interface ResolvConf {
  readonly nameservers: readonly Endpoint[];
  readonly search: readonly string[];
}

/**
 * Reads resolv.conf(5), https://man7.org/linux/man-pages/man5/resolv.conf.5.html: `nameserver ADDRESS`,
 * `search NAME…` and `domain NAME` (the last of these two wins); `#` and `;` start comments. Skips what it
 * does not know, as the system's resolver does, and never throws.
 */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: Endpoint[] = [];
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

/** A rough check for IPv6: an invalid address fails when it is asked, like a server that is down. */
function isAddress(text: string): boolean {
  return isIpv4(text) || (/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(text) && text.split(':').length >= 3);
}
