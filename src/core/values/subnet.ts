import { MobyvmError } from './errors.js';
import { ipv4FromNumber, ipv4ToNumber, isIpv4, type Ipv4 } from './ipv4.js';

/** An IPv4 network such as 10.0.75.0/24; `network` has no host bits set. */
export interface Subnet {
  readonly network: Ipv4;
  /** 0 to 32. */
  readonly prefixLength: number;
}

/**
 * @throws MobyvmError MOBYVM_SETTINGS when `text` is not a network in CIDR notation with all host bits zero
 */
export function parseSubnet(text: string): Subnet {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const prefixLength = /^\d{1,2}$/.test(prefix) ? Number(prefix) : 99;
  const subnet =
    rest.length === 0 && prefixLength <= 32 && isIpv4(address)
      ? subnetAround(address, prefixLength)
      : undefined;
  if (subnet?.network !== address) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `"${text}" is not an IPv4 network.`,
      subnet === undefined
        ? 'Use an address and a prefix length, for example 10.0.75.0/24.'
        : `The network of that address is ${formatSubnet(subnet)}; use that.`,
    );
  }
  return subnet;
}

export function formatSubnet(subnet: Subnet): string {
  return `${subnet.network}/${subnet.prefixLength}`;
}

/** The network of `prefixLength` that contains `address`. */
export function subnetAround(address: Ipv4, prefixLength: number): Subnet {
  return { network: ipv4FromNumber((ipv4ToNumber(address) & maskNumber(prefixLength)) >>> 0), prefixLength };
}

export function netmask(subnet: Subnet): Ipv4 {
  return ipv4FromNumber(maskNumber(subnet.prefixLength));
}

export function broadcast(subnet: Subnet): Ipv4 {
  return ipv4FromNumber((ipv4ToNumber(subnet.network) | ~maskNumber(subnet.prefixLength)) >>> 0);
}

/** The `index`-th address: 0 is the network itself, 1 the first host. */
export function hostAt(subnet: Subnet, index: number): Ipv4 {
  return ipv4FromNumber(ipv4ToNumber(subnet.network) + index);
}

export function subnetContains(subnet: Subnet, address: Ipv4): boolean {
  return subnetAround(address, subnet.prefixLength).network === subnet.network;
}

export function subnetsOverlap(a: Subnet, b: Subnet): boolean {
  const prefix = Math.min(a.prefixLength, b.prefixLength);
  return subnetAround(a.network, prefix).network === subnetAround(b.network, prefix).network;
}

/**
 * Networks that this host may use without taking addresses from others: private ones (RFC 1918 §3), the shared
 * carrier network (RFC 6598 §7) and the benchmark network (RFC 2544 C.2.2, RFC 6890 table 8), but no loopback,
 * link-local, multicast, reserved or public networks.
 */
const LOCAL_NETWORKS: readonly Subnet[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
].map(parseSubnet);

/** True when the whole subnet is within a range that is free for local use. */
export function isLocalSubnet(subnet: Subnet): boolean {
  return LOCAL_NETWORKS.some(
    (range) => subnet.prefixLength >= range.prefixLength && subnetContains(range, subnet.network),
  );
}

function maskNumber(prefixLength: number): number {
  // A shift by 32 is a shift by 0 in JavaScript, so /0 needs its own answer.
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}
