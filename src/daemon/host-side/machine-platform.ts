import type { Ledger, Logger, ManagedResource } from '../../core/host/index.js';
import type { KvpExchange, KvpItemStore } from '../../kvp/index.js';
import type { VmDriver } from '../../vm/index.js';
import type { PortFacts, ResolverSource } from '../../proxy/index.js';
import type { CredentialStore, FileServer, HostWatcher, HostWatcherOptions } from '../../share/index.js';
import type { InstancePaths } from '../../protocol/paths.js';
import type { ImageLocation } from '../image-location.js';
import type { MachineIdentity } from '../identity.js';
import type { HostPlatform } from '../platform.js';
import type { Settings } from '../settings/schema.js';
import type { RepairPauses } from '../machine/repair-pace.plan.js';
import type { HostNetwork } from './host-network.js';

/** What a platform is given to build its parts of a machine from. */
export interface MachinePlatformOptions {
  readonly paths: InstancePaths;
  readonly identity: MachineIdentity;
  readonly settings: Settings;
  readonly ledger: Ledger;
  readonly credentials: CredentialStore;
  readonly itemStore: KvpItemStore;
  readonly logger: Logger;
}

export interface VmUsage {
  /** Since its start, of all its processors. */
  readonly processorSeconds: number;
  readonly memoryBytes: number;
}

/** How often a machine that is up is compared with what it should be, by what that costs on the platform. */
export interface CheckIntervals {
  /**
   * All resources that others may change: they are back within the short pause, and twice the time that a look takes, or
   * soon after the change is announced.
   */
  readonly repair: RepairPauses;
  /** While no changes are announced: whether the VM's servers are guarded; undefined where only the whole check tells. */
  readonly guardMs: number | undefined;
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
  readonly fileServer: FileServer;
  /** TCP ports of the host's address at which the file server may listen, if the guard is to admit the VM. */
  readonly fileServerPorts: readonly number[];
  /** Watches folders of the host for file events in the VM; absent where that is not possible yet. */
  readonly watchFiles?: (options: HostWatcherOptions) => Promise<HostWatcher>;
  readonly imageLocation: (settings: Settings) => ImageLocation;
  /**
   * The lowest MTU of the links by which the host reaches other networks, in bytes; undefined if it has none.
   * Absent where only the setting counts.
   */
  readonly uplinkMtu?: (signal: AbortSignal) => Promise<number | undefined>;
  /** What the VM uses of the host; undefined while it is off. Absent where that is not known. */
  readonly vmUsage?: () => Promise<VmUsage | undefined>;
  /** Absolute path of the data disk, with the ending of the driver's format. */
  readonly dataDiskPath: string;
  readonly checks: CheckIntervals;
  /** What must hold on the host before anything is set up. */
  readonly preconditions: readonly ManagedResource[];
  close(): Promise<void>;
}
