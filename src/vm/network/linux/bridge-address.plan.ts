import { formatSubnet, subnetAround, type Change, type Ipv4 } from '../../../core/values/index.js';

export interface AddressWanted {
  readonly address: Ipv4;
  readonly prefixLength: number;
}

export interface AddressFound {
  /** Every IPv4 address on the bridge, for example `10.0.75.1/24`. */
  readonly present: readonly string[];
  /** Those that mobyvm added. */
  readonly ours: readonly string[];
}

export interface AddressChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Added by someone else: left alone and reported. */
  readonly foreign: readonly string[];
}

export function formatAddress({ address, prefixLength }: AddressWanted): string {
  return `${address}/${prefixLength}`;
}

/**
 * What must be done. Removes our address of earlier settings, and our address with a wrong prefix length
 * regardless of who added it: the kernel treats one address with two prefix lengths as two, and the wrong one
 * would remain the source address.
 */
export function changeAddresses(found: AddressFound | undefined, wanted: AddressWanted): AddressChange {
  const text = formatAddress(wanted);
  const { present, ours } = found ?? { present: [], ours: [] };
  const others = present.filter((address) => address !== text);
  const remove = others.filter(
    (address) => ours.includes(address) || address.startsWith(`${wanted.address}/`),
  );
  return {
    add: present.includes(text) ? [] : [text],
    remove,
    foreign: others.filter((address) => !remove.includes(address)),
  };
}

export function planAddress(found: AddressFound | undefined, wanted: AddressWanted): Change {
  const { add, remove } = changeAddresses(found, wanted);
  if (remove.length > 0)
    return { kind: 'update', fields: [...remove.map((address) => `not ${address}`), ...add] };
  return add.length > 0 ? { kind: 'create' } : { kind: 'none' };
}

/** For display: `10.0.75.1/24 in 10.0.75.0/24`. */
export function describeAddress(wanted: AddressWanted): string {
  return `${formatAddress(wanted)} in ${formatSubnet(subnetAround(wanted.address, wanted.prefixLength))}`;
}
