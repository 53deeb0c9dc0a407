import { isIpv4 } from '../../core/values/index.js';
import type { Endpoint, Patience } from '../../proxy/index.js';
import { searchDomainsOf } from '../host-side/search-domains.plan.js';

/** The system's resolver uses three (MAXNS); a few more serve as fallbacks. */
const MAX_NAMESERVERS = 8;
/** RES_MAXRETRANS and RES_MAXRETRY of the system's resolver. */
const MAX_TIMEOUT_SECONDS = 30;
const MAX_ATTEMPTS = 5;
const DNS_PORT = 53;

export interface ResolvConf {
  readonly nameservers: readonly Endpoint[];
  /** Undefined without a `search` or `domain` line. */
  readonly search: readonly string[] | undefined;
  /** What `options` says; the rest is the system's default. */
  readonly patience: Partial<Patience>;
}

/**
 * Reads resolv.conf(5), https://man7.org/linux/man-pages/man5/resolv.conf.5.html: `nameserver ADDRESS`,
 * `search NAME…` and `domain NAME` (the last of these two wins), `options timeout:N attempts:N use-vc`; `#`
 * and `;` start comments. Skips what it does not know, as the system's resolver does, and never throws.
 */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: Endpoint[] = [];
  let search: readonly string[] | undefined;
  let patience: Partial<Patience> = {};
  for (const line of text.split(/\r?\n/)) {
    const [keyword = '', ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    const [first = ''] = values;
    if (keyword === 'nameserver' && isAddress(first) && !nameservers.some((one) => one.address === first)) {
      nameservers.push({ address: first, port: DNS_PORT });
    }
    if (keyword === 'search') search = values;
    if (keyword === 'domain') search = values.slice(0, 1);
    if (keyword === 'options') patience = values.reduce(withOption, patience);
  }
  return {
    nameservers: nameservers.slice(0, MAX_NAMESERVERS),
    search: search === undefined ? undefined : searchDomainsOf(search),
    patience,
  };
}

function withOption(patience: Partial<Patience>, option: string): Partial<Patience> {
  const [, name = '', value = ''] = /^(timeout|attempts):(\d{1,6})$/.exec(option) ?? [];
  if (option === 'use-vc') return { ...patience, usesTcp: true };
  // The system's resolver takes 0 as the least that works.
  const count = Math.max(1, Number(value));
  if (name === 'timeout') return { ...patience, timeoutMs: Math.min(count, MAX_TIMEOUT_SECONDS) * 1_000 };
  if (name === 'attempts') return { ...patience, attempts: Math.min(count, MAX_ATTEMPTS) };
  return patience;
}

/** A rough check for IPv6: an invalid address fails when it is asked, like a server that is down. */
function isAddress(text: string): boolean {
  return isIpv4(text) || (/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(text) && text.split(':').length >= 3);
}
