import { isIpv4, parseIpv6, type Ipv4 } from '../../core/values/index.js';
import type { HostEntry } from '../../proxy/index.js';

/** Lists of names to block have a few hundred thousand lines. */
const MAX_ENTRIES = 500_000;
/** In the system's own hosts files; a container has its own of them. */
const LOCAL_NAMES =
  /(^|\.)(localhost|localhost\.localdomain|localhost[46](\.localdomain[46])?)$|^(ip6-|broadcasthost$)/;
const NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

/**
 * Reads hosts(5), https://man7.org/linux/man-pages/man5/hosts.5.html, as containers should see it:
 * `ADDRESS NAME [ALIAS…]`, `#` starts a comment. Skips what it does not know, and never throws.
 *
 * The host's loopback addresses would mean the container itself there, so `hostAddress` takes the place of
 * the IPv4 ones, and the IPv6 ones are left out. So are the names of `localhost`, addresses with a zone, which
 * only the host has, and multicast.
 */
export function parseHostsFile(text: string, hostAddress: Ipv4): readonly HostEntry[] {
  const entries: HostEntry[] = [];
  for (const line of lines(text)) {
    if (entries.length >= MAX_ENTRIES) break;
    const [given = '', ...rest] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = addressFor(given, hostAddress);
    if (address === undefined) continue;
    const names = rest.map((name) => name.replace(/\.$/, '')).filter(isForContainers);
    if (names.length > 0) entries.push({ address, names });
  }
  return entries;
}

/** Line by line, because a large file is not worth a second copy. */
function* lines(text: string): Generator<string> {
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  for (;;) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end === -1 ? undefined : end);
    if (end === -1) return;
    start = end + 1;
  }
}

function addressFor(text: string, hostAddress: Ipv4): string | undefined {
  if (isIpv4(text)) {
    if (text.startsWith('127.')) return hostAddress;
    return Number(text.split('.')[0]) >= 224 ? undefined : text;
  }
  const bytes = parseIpv6(text);
  if (bytes === undefined) return undefined;
  const isLoopback = bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
  return isLoopback || bytes[0] === 0xff ? undefined : text;
}

function isForContainers(name: string): boolean {
  return NAME.test(name) && !LOCAL_NAMES.test(name.toLowerCase());
}
