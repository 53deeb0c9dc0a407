import { MobyvmError, type Change, type Ipv4 } from '../../../core/values/index.js';

export interface HostAddressWanted {
  readonly address: Ipv4;
  readonly prefixLength: number;
}

export interface HostAddressFound {
  readonly interfaceIndex: number;
  readonly hasDhcp: boolean;
  /** IPv4 addresses of our adapter. */
  readonly addresses: readonly HostAddressWanted[];
  /** The other adapter that has the wanted address, if any. */
  readonly addressElsewhere: string | undefined;
}

/**
 * DHCP must be off: while it is on, Windows refuses a static address.
 * @throws MobyvmError MOBYVM_SUBNET_IN_USE
 */
export function planHostAddress(
  found: HostAddressFound | undefined,
  { address, prefixLength }: HostAddressWanted,
): Change {
  if (found === undefined) return { kind: 'create' };
  if (found.addressElsewhere !== undefined) {
    throw new MobyvmError(
      'MOBYVM_SUBNET_IN_USE',
      `The address ${address} is used by the network adapter "${found.addressElsewhere}".`,
      'Set network.subnet to another one, or to auto.',
    );
  }
  const fields = [
    ...(found.hasDhcp ? ['dhcp'] : []),
    ...(hasAddress(found, { address, prefixLength }) ? [] : ['address']),
    ...(wrongAddresses(found, { address, prefixLength }).length > 0 ? ['other addresses'] : []),
  ];
  return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
}

export function hasAddress(found: HostAddressFound, wanted: HostAddressWanted): boolean {
  return found.addresses.some(
    (each) => each.address === wanted.address && each.prefixLength === wanted.prefixLength,
  );
}

/**
 * Addresses of earlier settings, and the wanted one with a wrong prefix. Windows removes the link-local
 * address (RFC 3927) that it gives itself.
 */
export function wrongAddresses(
  found: HostAddressFound,
  wanted: HostAddressWanted,
): readonly HostAddressWanted[] {
  return found.addresses.filter(
    (each) =>
      !each.address.startsWith('169.254.') &&
      (each.address !== wanted.address || each.prefixLength !== wanted.prefixLength),
  );
}
