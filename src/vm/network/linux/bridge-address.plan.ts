import { formatSubnet, subnetAround, type Change, type Ipv4 } from '../../../core/values/index.js';

export interface AddressWanted {
  readonly address: Ipv4;
  readonly prefixLength: number;
}

export interface AddressFound {
  /** Every IPv4 address on the bridge, `10.0.75.1/24`. */
  readonly present: readonly string[];
  /** Those of them that we put there. */
  readonly ours: readonly string[];
}

export interface AddressChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Somebody else's: left alone and reported. */
  readonly foreign: readonly string[];
}

export function formatAddress({ address, prefixLength }: AddressWanted): string {
  return `${address}/${prefixLength}`;
}

/**
 * What is to be done. Our own address of earlier settings goes, and so does our address with a wrong prefix length,
 * whoever wrote it: the kernel takes one address with two lengths for two, and the wrong one would stay the source.
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

/** For people: `10.0.75.1/24 in 10.0.75.0/24`. */
export function describeAddress(wanted: AddressWanted): string {
  return `${formatAddress(wanted)} in ${formatSubnet(subnetAround(wanted.address, wanted.prefixLength))}`;
}
