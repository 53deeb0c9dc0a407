import { formatSubnet, MobyvmError, parseSubnet, type Subnet } from '../../core/values/index.js';
import { CANDIDATES, planSubnet, switchDevice, type HostNetworks } from '../../vm/index.js';
import { both, fine, judged, problem, type Fact, type Finding } from './finding.js';
import type { DoctorWants, WindowsFacts } from './windows-facts.js';

/** The subnet that the machine has, or that `up` would use, or would fail with. */
export function wantedSubnet({ networks }: WindowsFacts, wants: DoctorWants): Fact<Subnet> {
  const asked = subnetAsked(wants);
  if ('unknown' in asked) return asked;
  if (asked.known !== 'auto') return { known: asked.known };
  const [first = parseSubnet('10.0.75.0/24')] = CANDIDATES;
  if (!('known' in networks)) return { known: first };
  const chosen = choose(networks.known, 'auto', wants);
  return { known: chosen instanceof MobyvmError ? first : chosen };
}

/** What `up` would say about the subnet. That of a machine that is up may have been taken by something else since. */
export function subnetFinding({ networks }: WindowsFacts, wants: DoctorWants): Finding {
  return judged('subnet', 'Subnet', both(subnetAsked(wants), networks), ([subnet, host]) => {
    const chosen = choose(host, subnet, wants);
    if (chosen instanceof MobyvmError) return problem(chosen.message, chosen.remedy);
    const isOurs = 'known' in wants.machineSubnet && wants.machineSubnet.known !== 'none';
    return fine(`${formatSubnet(chosen)} is ${isOurs ? "the VM's alone" : 'free'}`);
  });
}

function subnetAsked({ settings, machineSubnet }: DoctorWants): Fact<Subnet | 'auto'> {
  if ('unknown' in settings) return settings;
  if ('unknown' in machineSubnet) return machineSubnet;
  return { known: machineSubnet.known === 'none' ? settings.known.subnet : machineSubnet.known };
}

function choose(
  host: HostNetworks,
  wanted: Subnet | 'auto',
  { switchName }: DoctorWants,
): Subnet | MobyvmError {
  try {
    return planSubnet({ wanted, bridge: switchDevice(switchName), host });
  } catch (error) {
    if (error instanceof MobyvmError) return error;
    throw error;
  }
}
