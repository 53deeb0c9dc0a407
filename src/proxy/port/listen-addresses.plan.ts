import type { PortRequest } from './port-request.js';

/** What `0.0.0.0` and `[::]` mean: all addresses of the host, or only its loopback address. */
export type Exposure = 'lan' | 'localhost';

export interface ListenPlan {
  /** The port is not published if one of these cannot be listened on. */
  readonly needed: readonly string[];
  /** Listened on if free, and released as soon as another container publishes on them. */
  readonly optional: readonly string[];
  /** True for `[::]`: on a host without IPv6 there is nothing to listen on, which is not an error. */
  readonly mayLackIpv6: boolean;
  /** A socket on `0.0.0.0` as well, for datagrams to other addresses: broadcasts, 127.0.0.2, new addresses. */
  readonly hasRest: boolean;
}

export interface ListenHost {
  readonly addresses: readonly string[];
  readonly switchAddress: string;
  /** A server of our own has the port at the switch's address. */
  readonly isSwitchTaken: boolean;
  /** See `PortFacts.udpDestination`. */
  readonly canShareUdp: boolean;
}

/**
 * The addresses to listen on for a request.
 * - `127.0.0.1` adds `::1`, because programs try that first for `localhost`.
 * - UDP on all addresses becomes one socket per address, so that answers come from the address that the
 *   client used. The switch's address is left out because our DNS and DHCP servers use it.
 * - TCP on all addresses does so where a server of our own has the port at the switch's address.
 */
export function listenPlan(
  { protocol, hostIp }: Pick<PortRequest, 'protocol' | 'hostIp'>,
  exposure: Exposure,
  { addresses, switchAddress, isSwitchTaken, canShareUdp }: ListenHost,
): ListenPlan {
  const isEverywhere = hostIp === '0.0.0.0' || hostIp === '::';
  const plan = { optional: [], mayLackIpv6: hostIp === '::', hasRest: false };
  if (isEverywhere && exposure === 'localhost')
    return { ...plan, needed: [hostIp === '::' ? '::1' : '127.0.0.1'] };
  if (isEverywhere && (protocol === 'udp' || (isSwitchTaken && hostIp === '0.0.0.0'))) {
    const wantsIpv6 = hostIp === '::';
    const needed = addresses.filter(
      (address) => address.includes(':') === wantsIpv6 && address !== switchAddress,
    );
    return { ...plan, needed, hasRest: protocol === 'udp' && !wantsIpv6 && canShareUdp && !isSwitchTaken };
  }
  return { ...plan, needed: [hostIp], optional: hostIp === '127.0.0.1' ? ['::1'] : [] };
}
