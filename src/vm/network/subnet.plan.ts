import {
  formatSubnet,
  hostAt,
  MobyvmError,
  parseSubnet,
  subnetAround,
  subnetsOverlap,
  type Subnet,
} from '../../core/values/index.js';
import type { HostAddress, HostRoute } from './linux/ip.codec.js';

/** What the host uses already: gathered first, decided upon here. */
export interface HostNetworks {
  readonly addresses: readonly HostAddress[];
  readonly routes: readonly HostRoute[];
}

/** Something on the host that a subnet collides with. */
export interface Overlap {
  readonly subnet: Subnet;
  /** For people, for example `address 10.0.75.9/24 of wlan0`, `route to 10.0.0.0/8 by tun0`. */
  readonly by: string;
}

export interface SubnetQuestion {
  readonly wanted: Subnet | 'auto';
  /** Our own bridge: what is on it is no collision. */
  readonly bridge: string;
  readonly host: HostNetworks;
}

/**
 * Tried in this order. The first is what people know from Docker for Windows; the others are spread over the three
 * private blocks (RFC 1918 §3), because a VPN usually takes one of them as a whole.
 */
export const CANDIDATES: readonly Subnet[] = [
  ...numbered(75, 84, (third) => `10.0.${third}.0/24`),
  ...numbered(65, 69, (third) => `192.168.${third}.0/24`),
  ...numbered(75, 79, (third) => `172.30.${third}.0/24`),
  ...numbered(75, 79, (third) => `10.213.${third}.0/24`),
  ...numbered(213, 217, (third) => `192.168.${third}.0/24`),
].map(parseSubnet);

/** A route shorter than the largest private block is a default route in disguise (a VPN's 0.0.0.0/1), nobody's network. */
const SHORTEST_NETWORK = 8;

/** Network, host, VM and broadcast address. */
const LONGEST_PREFIX = 30;

/**
 * The subnet of the VM's network. With `auto` the one that our bridge has already is kept while it is free.
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
      `The subnet ${formatSubnet(wanted)} is of no use: it needs a prefix length of ${SHORTEST_NETWORK} to ${LONGEST_PREFIX}.`,
      'Set network.subnet in the settings to another, for example 10.0.75.0/24.',
    );
  }
  const overlap = findOverlap(wanted, bridge, host);
  if (overlap !== undefined) throw subnetInUse(overlap, free());
  return wanted;
}

/**
 * What on this host, our own bridge apart, uses addresses of `subnet`; undefined when nothing does. The same question
 * can be asked at any later time, because VPNs bring their routes when they connect.
 */
export function findOverlap(subnet: Subnet, bridge: string, host: HostNetworks): Overlap | undefined {
  const address = host.addresses.find(
    ({ device, address, prefixLength }) =>
      device !== bridge && subnetsOverlap(subnet, subnetAround(address, prefixLength)),
  );
  if (address !== undefined) {
    const { device, prefixLength } = address;
    return { subnet, by: `address ${address.address}/${prefixLength} of ${device}` };
  }
  const route = host.routes.find(
    ({ destination, devices }) =>
      destination.prefixLength >= SHORTEST_NETWORK &&
      !devices.includes(bridge) &&
      subnetsOverlap(subnet, destination),
  );
  return route === undefined ? undefined : { subnet, by: describeRoute(route) };
}

/** @param alternative a subnet that is free, if there is one */
export function subnetInUse({ subnet, by }: Overlap, alternative: Subnet | undefined): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SUBNET_IN_USE',
    `The subnet ${formatSubnet(subnet)} is in use on this host: ${by}.`,
    alternative === undefined
      ? 'Set network.subnet to a private subnet that this host does not reach in another way.'
      : `Choose another in the settings, for example network.subnet ${formatSubnet(alternative)}, or network.subnet auto to let mobyvm choose.`,
    { details: { subnet: formatSubnet(subnet), by } },
  );
}

function noneFree(host: HostNetworks, bridge: string): MobyvmError {
  const takers = new Set(CANDIDATES.map((subnet) => findOverlap(subnet, bridge, host)?.by));
  return new MobyvmError(
    'MOBYVM_NO_FREE_SUBNET',
    `None of the ${CANDIDATES.length} subnets that mobyvm tries is free on this host (${[...takers].slice(0, 5).join('; ')}).`,
    'Set network.subnet in the settings to one that this host does not need to reach otherwise. Disconnecting a VPN may free some.',
  );
}

/** The networks of which our bridge has the first address: what an earlier run chose, or was told. */
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

function describeRoute({ destination, type, devices }: HostRoute): string {
  const by = devices.length === 0 ? '' : ` by ${devices.join(', ')}`;
  return `${type === 'unicast' ? '' : `${type} `}route to ${formatSubnet(destination)}${by}`;
}

function numbered(from: number, to: number, text: (value: number) => string): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => text(from + index));
}
