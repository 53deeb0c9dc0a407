export { compactDataDisk } from './data-disk.js';
export { ENABLE_REMEDY, hypervFailure, isDenied, moduleRemedy, POLICY_REMEDY } from './hyperv-failure.js';
export { hypervPreflight } from './preflight.js';
export { HypervDriver } from './hyperv-driver.js';
export type { HypervDriverOptions } from './hyperv-setup.js';
export { INTEGRATION_SERVICES } from './hardware.plan.js';
export {
  windowsNetwork,
  type WindowsNetwork,
  type WindowsNetworkOptions,
} from '../network/windows/windows-network.js';
export { prefixContains, prefixOverlaps } from '../network/windows/nat.plan.js';
export type { FirewallRule } from '../network/windows/firewall-rules.js';
