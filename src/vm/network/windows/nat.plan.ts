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

/** `none`: the machine reaches no other network, or something else sees to it. */
export type NatWanted = Subnet | 'none';

/**
 * Most versions of Windows take one NAT network for all. Four cases: ours stands, another one contains our subnet and serves us as
 * well, there is none, or there is a foreign one: newer versions may take ours beside it, so that it is tried, unless the two
 * overlap.
 * @throws MobyvmError MOBYVM_NAT
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
  if (overlapping !== undefined) throw foreignNat(overlapping, wanted);
  return { kind: 'create' };
}

function isEqual(prefix: string | undefined, wanted: Subnet): boolean {
  return prefix !== undefined && prefix === formatSubnet(wanted);
}

/** Whether the network that Windows writes so contains the subnet. */
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

/** What is no IPv4 network to us contains nothing of ours. */
function subnetOf(prefix: string | undefined): Subnet | undefined {
  try {
    return prefix === undefined ? undefined : parseSubnet(prefix);
  } catch {
    return undefined;
  }
}

/** The NAT network of another program is in the way of ours. */
export function foreignNat({ name, prefix }: NatFound, wanted: Subnet, cause?: unknown): MobyvmError {
  const inside = prefix ?? 'its prefix';
  return new MobyvmError(
    'MOBYVM_NAT',
    `Windows has a NAT network already, "${name}" for ${prefix ?? 'an unknown prefix'}, and takes no second one for ${formatSubnet(wanted)}.`,
    `Set network.subnet to a /24 inside of ${inside}, which then serves both; or set network.nat to none; or, if nothing needs it, remove it: Remove-NetNat -Name '${name}'`,
    { cause, details: { name, ...(prefix === undefined ? {} : { prefix }) } },
  );
}
