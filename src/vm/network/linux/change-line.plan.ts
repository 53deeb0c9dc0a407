/** Whose part of the host's network a change is about: what mobyvm made, or what may be in its way. */
export type NetworkChange = 'ours' | 'others';

/** Knows the names of the links and of the table that mobyvm made. */
export type IsOurs = (name: string) => boolean;

/** A setting of IPv4 or IPv6 by link, or for `all` links. */
const SETTING = /^(?:Deleted )?inet6? (?<link>\S+)/;

/**
 * What a line of `ip -4 -o monitor link address route netconf` announces. Other links come and go with each of Docker's
 * containers and are in nobody's way; their addresses and routes may be.
 */
export function changeInIpLine(line: string, isOurs: IsOurs): NetworkChange | undefined {
  const setting = SETTING.exec(line);
  // mobyvm turns forwarding on for all links.
  if (setting !== null) return setting.groups?.['link'] === 'all' ? 'ours' : undefined;
  if (line.split(/[\s:@]+/).some(isOurs)) return 'ours';
  return line.trim() === '' || line.includes(' link/') ? undefined : 'others';
}

const IN_THE_WAY = ['table', 'chain', 'rule'];

/** What a line of `nft monitor` announces, for example `delete rule inet mobyvm_mobyvm0 input handle 7`. */
export function changeInNftLine(line: string, isOurs: IsOurs): NetworkChange | undefined {
  const [, kind = '', , table = ''] = line.split(/\s+/);
  if (line.startsWith('#')) return undefined;
  if (isOurs(table)) return 'ours';
  return IN_THE_WAY.includes(kind) ? 'others' : undefined;
}
