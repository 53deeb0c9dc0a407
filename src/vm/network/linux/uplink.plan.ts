import type { HostRoute, LinkMtu } from './ip.codec.js';

/** A shorter prefix is a default route, whole or (of a VPN) as one of two halves. */
const SHORTEST_NETWORK = 8;

/**
 * The lowest MTU of the links by which the host reaches other networks: those of its default routes, and
 * tunnels that any route leads to. Undefined if it has none.
 */
export function lowestUplinkMtu(links: readonly LinkMtu[], routes: readonly HostRoute[]): number | undefined {
  const routed = routes.filter(({ type }) => type === 'unicast');
  const uplinks = links.filter(({ name, isPointToPoint }) =>
    routed.some(
      ({ destination, devices }) =>
        devices.includes(name) && (isPointToPoint || destination.prefixLength < SHORTEST_NETWORK),
    ),
  );
  return uplinks.length === 0 ? undefined : Math.min(...uplinks.map(({ mtuBytes }) => mtuBytes));
}
