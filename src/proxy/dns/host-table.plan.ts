import { formatIpv6, isIpv4, parseIpv6 } from '../../core/values/index.js';
import { nameText, parseName } from './name.codec.js';

/** One line of a hosts file: an address and its names, the first of which is the canonical one. */
export interface HostEntry {
  /** IPv4, or IPv6 without a zone. */
  readonly address: string;
  readonly names: readonly string[];
}

/** Names with their addresses, and back. */
export interface HostTable {
  /** How many names there are. */
  readonly size: number;
  /** The addresses of a name in the form of {@link nameText}, in the order of the entries; undefined if unknown. */
  addressesOf(name: string): readonly string[] | undefined;
  /** The canonical name of an address, which is IPv4 or IPv6 in canonical form. */
  nameOf(address: string): string | undefined;
}

/** A table that may change. */
export interface HostsSource {
  readonly table: HostTable;
  /** Called after `table` has changed. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  /** Repeatable. */
  close(): Promise<void>;
}

/** A name may have several addresses, in several entries; an address has the first name that it is given. */
export function hostTable(entries: readonly HostEntry[]): HostTable {
  const addresses = new Map<string, string[]>();
  const names = new Map<string, string>();
  for (const { address, names: given } of entries) {
    const canonical = canonicalAddress(address);
    if (canonical === undefined) continue;
    for (const name of given) {
      const key = nameText(parseName(name));
      const known = addresses.get(key);
      if (known === undefined) addresses.set(key, [canonical]);
      else if (!known.includes(canonical)) known.push(canonical);
    }
    const [first] = given;
    if (first !== undefined && !names.has(canonical)) names.set(canonical, first);
  }
  return {
    size: addresses.size,
    addressesOf: (name) => addresses.get(name),
    nameOf: (address) => names.get(address),
  };
}

/** @returns undefined if it is no address */
export function canonicalAddress(text: string): string | undefined {
  if (isIpv4(text)) return text;
  const bytes = parseIpv6(text);
  return bytes === undefined ? undefined : formatIpv6(bytes);
}
