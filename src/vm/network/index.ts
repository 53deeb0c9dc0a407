export { watchNetwork, type NetworkWatch, type NetworkWatchOptions } from './linux/change-watch.js';
export type { NetworkChange } from './linux/change-line.plan.js';
export { findBlockers } from './linux/blockers.js';
export type { Blocker } from './linux/blockers.plan.js';
export { bridgeSubnet, chooseSubnet, gatherHostNetworks } from './linux/choose-subnet.js';
export {
  daemonNamespace,
  linuxNetwork,
  type DaemonNamespaceOptions,
  type LinuxNetwork,
  type LinuxNetworkOptions,
} from './linux/linux-network.js';
export { bridgeOfTap, tapNameOf } from './linux/link-name.plan.js';
export { uplinkMtu } from './linux/uplink.js';
export type { HostService } from './linux/rules.plan.js';
export { hasRules } from './linux/firewall.js';
export { isTagged } from './ownership.plan.js';
export {
  CANDIDATES,
  findOverlap,
  planSubnet,
  subnetInUse,
  type HostNetworks,
  type Overlap,
} from './subnet.plan.js';
export {
  earlierWindowsNetwork,
  switchSubnet,
  windowsNetwork,
  type NetworkOwner,
  type WindowsNetwork,
  type WindowsNetworkOptions,
} from './windows/windows-network.js';
export {
  hostRules,
  type FirewallRule,
  type HostRulesOptions,
  type ServedPort,
} from './windows/firewall-rules.plan.js';
export { gatherWindowsNetworks, switchDevice } from './windows/host-networks.js';
export { windowsResolvers, windowsSearchDomains } from './windows/resolvers.js';
