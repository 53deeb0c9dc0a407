import { formatIpv6, isIpv4, parseIpv6 } from '../../core/values/index.js';

/**
 * The address that a name for reverse look-ups stands for: `4.3.2.1.in-addr.arpa`
 * (https://www.rfc-editor.org/rfc/rfc1035#section-3.5) or 32 nibbles below `ip6.arpa`
 * (https://www.rfc-editor.org/rfc/rfc3596#section-2.5). Undefined for other names.
 */
export function addressOfReverseName(name: string): string | undefined {
  const digits = /^([\d.]+)\.in-addr\.arpa$/.exec(name)?.[1];
  if (digits !== undefined) {
    const address = digits.split('.').reverse().join('.');
    return isIpv4(address) ? address : undefined;
  }
  const nibbles = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  if (nibbles === undefined) return undefined;
  const text = nibbles.replaceAll('.', '').split('').reverse().join('');
  return formatIpv6(
    Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16)),
  );
}

/** The name for reverse look-ups of an IPv4 or IPv6 address. */
export function reverseName(address: string): string {
  if (isIpv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const nibbles = [...(parseIpv6(address) ?? [])].flatMap((byte) => [byte >> 4, byte & 0xf]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}
