import { ipv4ToBytes, isIpv4 } from './ipv4.js';

const GROUPS = 8;

/**
 * Reads an IPv6 address in any of its forms (https://www.rfc-editor.org/rfc/rfc4291#section-2.2), without a
 * zone; undefined for anything else.
 */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || text.length > 45) return undefined;
  const [head, tail] = halves.map((half) => groupsOf(half));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  // "::" stands for at least one group.
  if (tail === undefined ? given !== GROUPS : given >= GROUPS) return undefined;
  const groups = [...head, ...Array.from({ length: GROUPS - given }, () => 0), ...(tail ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The canonical form: https://www.rfc-editor.org/rfc/rfc5952#section-4 */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: GROUPS }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const zeros = longestZeros(groups);
  if (zeros === undefined) return groups.join(':');
  const { start, length } = zeros;
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The 16-bit groups of a part between "::"; the last may be an IPv4 address. */
function groupsOf(part: string): number[] | undefined {
  if (part === '') return [];
  const groups: number[] = [];
  const texts = part.split(':');
  for (const [at, group] of texts.entries()) {
    if (at === texts.length - 1 && isIpv4(group)) {
      const [a = 0, b = 0, c = 0, d = 0] = ipv4ToBytes(group);
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      groups.push(Number.parseInt(group, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** The first of the longest runs of at least two zero groups. */
function longestZeros(groups: readonly string[]): { start: number; length: number } | undefined {
  let best: { start: number; length: number } | undefined;
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > Math.max(1, best?.length ?? 0)) best = { start, length };
  }
  return best;
}
