import {
  formatSubnet,
  MobyvmError,
  parseSubnet,
  subnetContains,
  subnetsOverlap,
  type Change,
  type Subnet,
} from '../../../core/values/index.js';

/** A NAT network of the host. */
export interface NatFound {
  readonly name: string;
  /** For example `10.0.75.0/24`; NAT networks of other kinds have none. */
  readonly prefix: string | undefined;
  readonly isOurs: boolean;
}

/** `none`: the machine reaches no other network, or something else routes its traffic. */
export type NatWanted = Subnet | 'none';

/**
 * Older versions of Windows allow one NAT network per host, Windows 11 22H2 accepts several. So a second one
 * is tried, and refused here only when it overlaps a foreign one. A foreign one that contains our subnet
 * serves us too.
 * @throws MobyvmError MOBYVM_NAT
 * @see https://learn.microsoft.com/windows-server/virtualization/hyper-v/setup-nat-network
 */
export function planNat(found: readonly NatFound[], wanted: NatWanted): Change {
  const ours = found.find(({ isOurs }) => isOurs);
  if (wanted === 'none')
    return ours === undefined ? { kind: 'none' } : { kind: 'replace', reason: 'network.nat is none' };
  if (ours !== undefined) {
    return isEqual(ours.prefix, wanted)
      ? { kind: 'none' }
      : { kind: 'replace', reason: `its prefix is ${ours.prefix ?? 'unknown'}` };
  }
  if (found.some(({ prefix }) => prefixContains(prefix, wanted))) return { kind: 'none' };
  const overlapping = found.find(({ prefix }) => prefixOverlaps(prefix, wanted));
  if (overlapping !== undefined) throw foreignNatError(overlapping, wanted);
  return { kind: 'create' };
}

function isEqual(prefix: string | undefined, wanted: Subnet): boolean {
  return prefix !== undefined && prefix === formatSubnet(wanted);
}

/** @param prefix as Windows writes it */
export function prefixContains(prefix: string | undefined, wanted: Subnet): boolean {
  const subnet = subnetOf(prefix);
  return (
    subnet !== undefined &&
    subnet.prefixLength <= wanted.prefixLength &&
    subnetContains(subnet, wanted.network)
  );
}

export function prefixOverlaps(prefix: string | undefined, wanted: Subnet): boolean {
  const subnet = subnetOf(prefix);
  return subnet !== undefined && subnetsOverlap(subnet, wanted);
}

/** Undefined for anything but an IPv4 network. */
function subnetOf(prefix: string | undefined): Subnet | undefined {
  try {
    return prefix === undefined ? undefined : parseSubnet(prefix);
  } catch {
    return undefined;
  }
}

/** Another program's NAT network prevents ours. */
export function foreignNatError({ name, prefix }: NatFound, wanted: Subnet, cause?: unknown): MobyvmError {
  const inside = prefix ?? 'its prefix';
  return new MobyvmError(
    'MOBYVM_NAT',
    `Windows already has the NAT network "${name}" for ${prefix ?? 'an unknown prefix'} and does not accept another one for ${formatSubnet(wanted)}.`,
    `Set network.subnet to a /24 inside ${inside}, which then serves both; or set network.nat to none; or, if nothing needs it, remove it: Remove-NetNat -Name '${name}'`,
    { cause, details: { name, ...(prefix === undefined ? {} : { prefix }) } },
  );
}
