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
}

/**
 * The addresses to listen on for a request.
 * - `127.0.0.1` adds `::1`, because programs try that first for `localhost`.
 * - UDP on all addresses becomes one socket per address, so that answers come from the address that the
 *   client used. The switch's address is left out because our DNS and DHCP servers use it.
 */
export function listenPlan(
  { protocol, hostIp }: Pick<PortRequest, 'protocol' | 'hostIp'>,
  exposure: Exposure,
  host: { readonly addresses: readonly string[]; readonly switchAddress: string },
): ListenPlan {
  const isEverywhere = hostIp === '0.0.0.0' || hostIp === '::';
  const mayLackIpv6 = hostIp === '::';
  if (isEverywhere && exposure === 'localhost')
    return { needed: [hostIp === '::' ? '::1' : '127.0.0.1'], optional: [], mayLackIpv6 };
  if (isEverywhere && protocol === 'udp') {
    const wantsIpv6 = hostIp === '::';
    const needed = host.addresses.filter(
      (address) => address.includes(':') === wantsIpv6 && address !== host.switchAddress,
    );
    return { needed, optional: [], mayLackIpv6 };
  }
  return { needed: [hostIp], optional: hostIp === '127.0.0.1' ? ['::1'] : [], mayLackIpv6 };
}
