import type { Ledger, Logger, ManagedResource } from '../../core/host/index.js';
import type { KvpExchange, KvpItemStore } from '../../kvp/index.js';
import type { VmDriver } from '../../vm/index.js';
import type { PortFacts, ResolverSource } from '../../proxy/index.js';
import type { InstancePaths } from '../../protocol/paths.js';
import type { MachineIdentity } from '../identity.js';
import type { HostPlatform } from '../platform.js';
import type { Settings } from '../settings/schema.js';
import type { HostNetwork } from './host-network.js';

/** What a platform is given to build its parts of a machine from. */
export interface MachinePlatformOptions {
  readonly paths: InstancePaths;
  readonly identity: MachineIdentity;
  readonly settings: Settings;
  readonly ledger: Ledger;
  readonly itemStore: KvpItemStore;
  readonly logger: Logger;
}

/**
 * What one platform contributes to a machine; everything else is the same on all of them. `assemble` puts the two
 * together, src/daemon/linux and src/daemon/windows have one implementation each.
 */
export interface MachinePlatform {
  readonly name: HostPlatform;
  readonly driver: VmDriver;
  readonly exchange: KvpExchange;
  readonly network: HostNetwork;
  /** Starts to follow the host's resolvers. */
  readonly hostResolvers: () => Promise<ResolverSource>;
  /** Absolute path of the host's hosts file. */
  readonly hostsFile: string;
  readonly portFacts: PortFacts;
  /** Absolute path of the data disk, with the ending of the driver's format. */
  readonly dataDiskPath: string;
  /** What must hold on the host before anything is set up. */
  readonly preconditions: readonly ManagedResource[];
  close(): Promise<void>;
}
