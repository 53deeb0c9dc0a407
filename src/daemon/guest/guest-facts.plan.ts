import type { GuestFacts } from './guest-side.js';

interface Item {
  readonly name: string;
  readonly value: string;
}

/** A handful is enough, and the guest is not trusted to stop. */
const MAX_ADDRESSES = 16;
const MAX_TEXT = 120;

/**
 * Reads the items that hv_kvp_daemon makes up about its system (tools/hv/hv_kvp_daemon.c, `kvp_get_*`).
 * Addresses are separated by ';'.
 */
export function guestFactsOf(items: readonly Item[]): GuestFacts {
  const values = new Map(items.map(({ name, value }) => [name, value.trim()]));
  const text = (name: string): string => (values.get(name) ?? '').slice(0, MAX_TEXT);
  const addresses = (values.get('NetworkAddressIPv4') ?? '')
    .split(';')
    .map((address) => address.trim())
    .filter((address) => /^\d{1,3}(\.\d{1,3}){3}$/.test(address));
  return {
    os: [text('OSName'), text('OSMajorVersion')].filter((part) => part !== '').join(' '),
    kernel: text('OSBuildNumber'),
    addresses: addresses.slice(0, MAX_ADDRESSES),
  };
}
