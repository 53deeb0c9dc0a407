import type { Logger, ManagedResource } from '../../core/host/index.js';
import type { MobyvmError } from '../../core/values/index.js';
import type { VmUsage } from '../host-side/machine-platform.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { PublishedPort, UsualAddress } from '../../proxy/index.js';
import type { VmDriver, VmSpec } from '../../vm/index.js';
import type { GuestSide } from '../guest/index.js';
import type { HostSize } from '../settings/host-limits.plan.js';
import type { Settings } from '../settings/schema.js';
import type { BootWatch } from './boot-watch.js';
import type { RunningContainer } from './running-containers.plan.js';
import type { EngineProbe } from './engine-probe.js';
import type { GuestRecordStore } from './guest-record.js';
import type { LastImage } from './last-image.js';
import type { Obstacle } from '../host-side/host-network.js';
import type { DataDiskFile } from '../host-side/data-disk.js';
import type { HostSide } from '../host-side/host-side.js';
import type { MachineShares } from '../shares/machine-shares.js';
import type { DaemonDescription, PortCounts } from './machine-status.js';

/** What a {@link Machine} is assembled from. */
export interface MachineParts {
  readonly driver: VmDriver;
  readonly boot: BootWatch;
  readonly host: HostSide;
  readonly guest: GuestSide;
  readonly kvp: KvpExchange;
  readonly ports: MachinePorts;
  readonly shares: MachineShares;
  readonly engine: EngineProbe;
  /** The running containers. */
  readonly containers: (signal: AbortSignal) => Promise<readonly RunningContainer[]>;
  /** What the VM uses of the host; undefined if that is not known. */
  readonly vmUsage: () => Promise<VmUsage | undefined>;
  readonly logger: Logger;
  /** Instead of the log; tests throw. */
  readonly onBug?: (bug: MobyvmError) => void;
  readonly hostSize: HostSize;
  readonly loadSettings: () => Promise<Settings>;
  /** Called with the settings that each `up` and `restart` loads. */
  readonly applySettings?: (settings: Settings) => void;
  readonly specFor: (settings: Settings) => VmSpec;
  readonly guestRecord: GuestRecordStore;
  /**
   * Sets state files aside that cannot be read, and migrates settings of an earlier version.
   * @returns what to tell the user about it, each once
   */
  readonly prepareFiles: () => Promise<readonly string[]>;
  readonly lastImage: LastImage;
  /** What is to be said of the image that failed, if the VM is started with the one before. */
  readonly imageProblem: () => Promise<Pick<Obstacle, 'problem' | 'remedy'> | undefined>;
  readonly dataDisk: DataDiskFile;
  /** What comes before the network: for example the boot image. */
  readonly installation: (settings: Settings) => readonly ManagedResource[];
  /** Files of the installation that `uninstall` deletes. */
  readonly files: () => readonly ManagedResource[];
  readonly about: {
    readonly daemon: DaemonDescription;
    readonly machineId: string;
    readonly mac: string;
    /** Where Docker clients connect to. */
    readonly endpoint: string;
    /** Where those look that are told nothing; undefined on platforms without such an address. */
    readonly usualEndpoint?: () => UsualAddress | undefined;
  };
}

/** What the machine does with published ports; the daemon's `Ports` implements it. */
export interface MachinePorts {
  guestLost(): void;
  audit(): Promise<void>;
  list(): Promise<readonly PublishedPort[]>;
  /** As of the last audit, with their present counters: without asking the engine. */
  known(): readonly PublishedPort[];
  /** Likewise. */
  counts(): PortCounts;
  /** Running containers with the VM's own network, whose ports are not those of the host. */
  hostNetworkContainers(): readonly string[];
}
