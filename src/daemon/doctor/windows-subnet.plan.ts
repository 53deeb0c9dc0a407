import { formatSubnet, MobyvmError, parseSubnet, type Subnet } from '../../core/values/index.js';
import { CANDIDATES, planSubnet, switchDevice, type HostNetworks } from '../../vm/index.js';
import { fine, judged, problem, type Finding } from './finding.js';
import type { DoctorWants, WindowsFacts } from './windows-facts.js';

/** The subnet that `up` would use, or would fail with. */
export function wantedSubnet({ networks }: WindowsFacts, wants: DoctorWants): Subnet {
  if (wants.subnet !== 'auto') return wants.subnet;
  const [first = parseSubnet('10.0.75.0/24')] = CANDIDATES;
  if (!('known' in networks)) return first;
  const chosen = choose(networks.known, wants);
  return chosen instanceof MobyvmError ? first : chosen;
}

/** What `up` would say about the subnet. */
export function subnetFinding({ networks }: WindowsFacts, wants: DoctorWants): Finding {
  return judged('subnet', 'Subnet', networks, (host) => {
    const chosen = choose(host, wants);
    return chosen instanceof MobyvmError
      ? problem(chosen.message, chosen.remedy)
      : fine(`${formatSubnet(chosen)} is free`);
  });
}

function choose(host: HostNetworks, { subnet, switchName }: DoctorWants): Subnet | MobyvmError {
  try {
    return planSubnet({ wanted: subnet, bridge: switchDevice(switchName), host });
  } catch (error) {
    if (error instanceof MobyvmError) return error;
    throw error;
  }
}
