export { findBlockers } from './blockers.js';
export type { Blocker } from './blockers.plan.js';
export { bridgeSubnet, chooseSubnet, gatherHostNetworks } from './choose-subnet.js';
export {
  daemonNamespace,
  linuxNetwork,
  type DaemonNamespaceOptions,
  type LinuxNetwork,
  type LinuxNetworkOptions,
} from './linux-network.js';
export type { PlannedChange } from './parts.js';
export { bridgeOfTap, tapNameOf } from './link-name.plan.js';
export type { HostService } from './rules.plan.js';
export {
  CANDIDATES,
  findOverlap,
  planSubnet,
  subnetInUse,
  type HostNetworks,
  type Overlap,
} from './subnet.plan.js';
