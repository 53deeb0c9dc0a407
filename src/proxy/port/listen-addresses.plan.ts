import type { PortRequest } from './port-request.js';

/** What `0.0.0.0` and `[::]` mean: every address of the host, or its loopback only. */
export type Exposure = 'lan' | 'localhost';

export interface ListenPlan {
  /** The publication fails when one of them cannot be listened on. */
  readonly needed: readonly string[];
  /** Listened on if they are free, and given up for whoever asks for them. */
  readonly beside: readonly string[];
  /** True for IPv6 that was not asked for by name: a host without it is none the worse. */
  readonly mayLackIpv6: boolean;
}

/**
 * Where the host listens for a request.
 * - `127.0.0.1` has `::1` beside it: programs try it first for `localhost`.
 * - UDP on all addresses means each of them by itself, so that answers come from the one that the client used. The
 *   switch's own address is left out: our DNS and DHCP servers are there.
 */
export function listenPlan(
  { protocol, hostIp }: Pick<PortRequest, 'protocol' | 'hostIp'>,
  exposure: Exposure,
  host: { readonly addresses: readonly string[]; readonly switchAddress: string },
): ListenPlan {
  const isEverywhere = hostIp === '0.0.0.0' || hostIp === '::';
  const mayLackIpv6 = hostIp === '::';
  if (isEverywhere && exposure === 'localhost')
    return { needed: [hostIp === '::' ? '::1' : '127.0.0.1'], beside: [], mayLackIpv6 };
  if (isEverywhere && protocol === 'udp') {
    const wantsIpv6 = hostIp === '::';
    const needed = host.addresses.filter(
      (address) => address.includes(':') === wantsIpv6 && address !== host.switchAddress,
    );
    return { needed, beside: [], mayLackIpv6 };
  }
  return { needed: [hostIp], beside: hostIp === '127.0.0.1' ? ['::1'] : [], mayLackIpv6 };
}
