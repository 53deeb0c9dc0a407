import { formatSubnet, parseSubnet, type Subnet } from '../../core/values/index.js';
import { CANDIDATES, prefixContains, prefixOverlaps } from '../../vm/index.js';
import { fine, judged, problem, type Finding } from './finding.js';
import type { DoctorWants, WindowsFacts } from './windows-facts.js';

interface Route {
  readonly prefix: string;
  readonly by: string;
}

/** The subnet that `up` would use: the one of the settings, or the first that no route of the host takes. */
export function wantedSubnet(facts: WindowsFacts, wants: DoctorWants): Subnet {
  if (wants.subnet !== 'auto') return wants.subnet;
  const [first] = CANDIDATES;
  return firstFree(facts, wants) ?? first ?? parseSubnet('10.0.75.0/24');
}

export function subnetFinding(facts: WindowsFacts, wants: DoctorWants): Finding {
  return judged('subnet', 'Subnet', facts.routes, () => {
    const subnet = wantedSubnet(facts, wants);
    const taker = takerOf(subnet, facts, wants);
    if (taker === undefined) return fine(`${formatSubnet(subnet)} is free`);
    if (wants.subnet === 'auto')
      return problem(
        `none of the ${CANDIDATES.length} subnets that mobyvm tries is free, the first because of ${taker.prefix} of "${taker.by}"`,
        'Set network.subnet to one that this host does not need to reach otherwise. Disconnecting a VPN may free some.',
      );
    const other = firstFree(facts, wants);
    return problem(
      `${formatSubnet(subnet)} overlaps ${taker.prefix} of "${taker.by}"`,
      `Set network.subnet to ${other === undefined ? 'one that this host does not need to reach otherwise' : `${formatSubnet(other)}, or to auto`}.`,
    );
  });
}

function firstFree(facts: WindowsFacts, wants: DoctorWants): Subnet | undefined {
  return CANDIDATES.find((each) => takerOf(each, facts, wants) === undefined);
}

function takerOf(subnet: Subnet, facts: WindowsFacts, { switchName }: DoctorWants): Route | undefined {
  const routes = 'known' in facts.routes ? facts.routes.known : [];
  const nats = 'known' in facts.nats ? facts.nats.known : [];
  // The NAT network of another program that contains ours serves it as well: its route is no hindrance.
  const serves = (route: Route): boolean =>
    nats.some(({ prefix }) => prefix === route.prefix && prefixContains(prefix, subnet));
  return routes.find(
    (route) => !route.by.includes(`(${switchName})`) && overlaps(route.prefix, subnet) && !serves(route),
  );
}

function overlaps(prefix: string, subnet: Subnet): boolean {
  // Default routes, also those in two halves, are nobody's network; hosts and multicast are none either.
  const [, bits = '0'] = prefix.split('/');
  return Number(bits) >= 8 && Number(bits) <= 30 && prefixOverlaps(prefix, subnet);
}
