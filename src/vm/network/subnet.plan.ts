import {
  formatSubnet,
  hostAt,
  MobyvmError,
  parseSubnet,
  subnetAround,
  subnetContains,
  subnetsOverlap,
  type Subnet,
} from '../../core/values/index.js';
import type { HostAddress, HostRoute } from './linux/ip.codec.js';

/** The networks that the host uses already. */
export interface HostNetworks {
  readonly addresses: readonly HostAddress[];
  readonly routes: readonly HostRoute[];
  /**
   * NAT networks of other programs; what they contain they serve as well, so that a subnet inside one does
   * not collide with it.
   */
  readonly shared?: readonly Subnet[];
}

/** Something on the host that overlaps a subnet. */
export interface Overlap {
  readonly subnet: Subnet;
  /** For people, for example `address 10.0.75.9/24 of wlan0`, `route to 10.0.0.0/8 by tun0`. */
  readonly by: string;
}

export interface SubnetQuestion {
  readonly wanted: Subnet | 'auto';
  /** Our own bridge or switch adapter: what is on it does not collide. */
  readonly bridge: string;
  readonly host: HostNetworks;
}

/**
 * Tried in this order. The first is the one of Docker for Windows; the others are spread over the three
 * private blocks (RFC 1918 §3), because a VPN usually takes one of them as a whole.
 */
export const CANDIDATES: readonly Subnet[] = [
  ...numbered(75, 84, (third) => `10.0.${third}.0/24`),
  ...numbered(65, 69, (third) => `192.168.${third}.0/24`),
  ...numbered(75, 79, (third) => `172.30.${third}.0/24`),
  ...numbered(75, 79, (third) => `10.213.${third}.0/24`),
  ...numbered(213, 217, (third) => `192.168.${third}.0/24`),
].map(parseSubnet);

/**
 * A shorter prefix than that of the largest private block is a default route in disguise (a VPN's 0.0.0.0/1),
 * not a network.
 */
const SHORTEST_NETWORK = 8;

/** Network, host, VM and broadcast address. */
const LONGEST_PREFIX = 30;

/**
 * The subnet of the VM's network. With `auto`, the one that our bridge already has is kept while it is free.
 * @throws MobyvmError MOBYVM_SUBNET_IN_USE, MOBYVM_NO_FREE_SUBNET, MOBYVM_SETTINGS
 */
export function planSubnet({ wanted, bridge, host }: SubnetQuestion): Subnet {
  const free = (): Subnet | undefined =>
    [...subnetsOfBridge(bridge, host), ...CANDIDATES].find(
      (subnet) => findOverlap(subnet, bridge, host) === undefined,
    );
  if (wanted === 'auto') {
    const found = free();
    if (found === undefined) throw noneFree(host, bridge);
    return found;
  }
  if (wanted.prefixLength > LONGEST_PREFIX || wanted.prefixLength < SHORTEST_NETWORK) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `The subnet ${formatSubnet(wanted)} cannot be used: its prefix length must be ${SHORTEST_NETWORK} to ${LONGEST_PREFIX}.`,
      'Set network.subnet in the settings to another, for example 10.0.75.0/24.',
    );
  }
  const overlap = findOverlap(wanted, bridge, host);
  if (overlap !== undefined) throw subnetInUse(overlap, free());
  return wanted;
}

/**
 * What on this host, apart from our own bridge, uses addresses of `subnet`; undefined when nothing does.
 * Worth asking again later: VPNs add their routes when they connect.
 */
export function findOverlap(subnet: Subnet, bridge: string, host: HostNetworks): Overlap | undefined {
  const isServedBy = (network: Subnet): boolean =>
    (host.shared ?? []).some(
      (shared) =>
        isSame(shared, network) &&
        shared.prefixLength <= subnet.prefixLength &&
        subnetContains(shared, subnet.network),
    );
  const collides = (network: Subnet): boolean => subnetsOverlap(subnet, network) && !isServedBy(network);
  const address = host.addresses.find(
    ({ device, address, prefixLength }) => device !== bridge && collides(subnetAround(address, prefixLength)),
  );
  if (address !== undefined) {
    const { device, prefixLength } = address;
    return { subnet, by: `address ${address.address}/${prefixLength} of ${device}` };
  }
  const route = host.routes.find(
    ({ destination, devices }) =>
      destination.prefixLength >= SHORTEST_NETWORK && !devices.includes(bridge) && collides(destination),
  );
  return route === undefined ? undefined : { subnet, by: describeRoute(route) };
}

/** @param alternative a subnet that is free, if there is one */
export function subnetInUse({ subnet, by }: Overlap, alternative: Subnet | undefined): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SUBNET_IN_USE',
    `The subnet ${formatSubnet(subnet)} is in use on this host: ${by}.`,
    alternative === undefined
      ? 'Set network.subnet to a private subnet that this host does not use otherwise.'
      : `Choose another in the settings, for example network.subnet ${formatSubnet(alternative)}, or network.subnet auto to let mobyvm choose.`,
    { details: { subnet: formatSubnet(subnet), by } },
  );
}

function noneFree(host: HostNetworks, bridge: string): MobyvmError {
  const takers = new Set(CANDIDATES.map((subnet) => findOverlap(subnet, bridge, host)?.by));
  return new MobyvmError(
    'MOBYVM_NO_FREE_SUBNET',
    `None of the ${CANDIDATES.length} subnets that mobyvm tries is free on this host (${[...takers].slice(0, 5).join('; ')}).`,
    'Set network.subnet in the settings to one that this host does not use otherwise. Disconnecting a VPN may free some.',
  );
}

/** The networks whose first address our bridge has: what an earlier run chose or was configured with. */
export function subnetsOfBridge(
  bridge: string,
  { addresses }: Pick<HostNetworks, 'addresses'>,
): readonly Subnet[] {
  return addresses
    .filter(({ device }) => device === bridge)
    .map(({ address, prefixLength }) => ({ address, subnet: subnetAround(address, prefixLength) }))
    .filter(({ address, subnet }) => subnet.prefixLength <= LONGEST_PREFIX && hostAt(subnet, 1) === address)
    .map(({ subnet }) => subnet);
}

function isSame(one: Subnet, other: Subnet): boolean {
  return one.network === other.network && one.prefixLength === other.prefixLength;
}

function describeRoute({ destination, type, devices }: HostRoute): string {
  const by = devices.length === 0 ? '' : ` by ${devices.join(', ')}`;
  return `${type === 'unicast' ? '' : `${type} `}route to ${formatSubnet(destination)}${by}`;
}

function numbered(from: number, to: number, text: (value: number) => string): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => text(from + index));
}
