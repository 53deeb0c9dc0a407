import type { ErrorReport } from '../../core/values/index.js';
import type { GuestFacts } from '../guest/index.js';
import type { Obstacle } from '../host-side/host-network.js';
import type { SharesDescription } from '../shares/machine-shares.js';
import type { MachineState, ShownState } from './machine-state.plan.js';
import type { SavedSince } from './guest-record.js';
import type { StartTimings } from './start-timings.js';

/** The daemon itself: what it was started with. */
export interface DaemonDescription {
  readonly pid: number;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Absolute paths, after the variables of its environment were applied. */
  readonly stateDir: string;
  readonly logDir: string;
  readonly settingsFile: string;
  /** Started by a command, so it exits when it has nothing to do. */
  readonly isBackground: boolean;
}

/** A setting that the running VM does not follow until `mobyvm restart`. */
export interface PendingSetting {
  readonly setting: string;
  readonly from: string;
  readonly to: string;
}

/** The VM's network on this host. Addresses are absent while nothing is set up. */
export interface NetworkDescription {
  /** The bridge (Linux) or switch (Windows). */
  readonly name: string;
  /** The network namespace that the daemon runs in, if it was told to use one. */
  readonly namespace?: string;
  readonly subnet?: string;
  readonly hostAddress?: string;
  readonly vmAddress?: string;
}

/** A resource that the periodic check found changed and repaired. */
export interface Repair {
  /** ISO 8601. */
  readonly at: string;
  readonly id: string;
  readonly title: string;
  /** What was wrong, for example "missing" or "changed: up, mac". */
  readonly problem: string;
}

/** Something that the machine needs on the host and that is looked after while it is up. */
export interface ResourceHealth {
  readonly id: string;
  readonly title: string;
  /** As of the last look: `broken` could not be repaired. */
  readonly health: 'healthy' | 'broken';
  /** Why it is broken, a sentence; and what the user can do. */
  readonly problem?: string;
  readonly remedy?: string;
}

/** Published ports by state. */
export interface PortCounts {
  readonly open: number;
  readonly waiting: number;
  readonly failed: number;
}

export interface VmDescription {
  readonly driver: string;
  readonly machineId: string;
  readonly state: string;
  readonly accelerator?: string | undefined;
  /** The last stage that the guest reported on its console. */
  readonly stage?: string | undefined;
  /** Of the running machine (absent if unknown), or else what the next start uses. */
  readonly cpus?: number | undefined;
  readonly memoryMiB?: number | undefined;
  readonly firmware?: string | undefined;
  /** Of a saved VM: since when, and the size of the file with its memory, if that is known. */
  readonly saved?: SavedSince | undefined;
}

export interface EngineDescription {
  readonly endpoint: string;
  /** Where Docker's clients look that are told nothing, and why the engine is not there. */
  readonly usual?: { readonly endpoint: string; readonly problem?: string };
  readonly reachable: boolean;
  readonly version?: string;
  readonly apiVersion?: string;
  /** How far the guest's clock is ahead of the host's, to within a second. */
  readonly clockOffsetMs?: number;
}

/** Everything about the machine, for `mobyvm status` and the dashboard. */
export interface MachineStatus {
  readonly state: ShownState;
  /** When the state was entered, ISO 8601. */
  readonly since: string;
  /** The step in progress while an operation runs. */
  readonly step?: {
    readonly id: string;
    readonly title: string;
    readonly detail: string;
    readonly elapsedMs: number;
  };
  readonly error?: ErrorReport;
  readonly daemon: DaemonDescription;
  readonly vm: VmDescription;
  readonly pending?: readonly PendingSetting[];
  readonly guest?: GuestFacts;
  readonly network: NetworkDescription & { readonly mac: string };
  readonly engine: EngineDescription;
  readonly ports: PortCounts;
  /** Running containers with `--network host`: their ports are at the VM's address. */
  readonly hostNetworkContainers: readonly string[];
  readonly shares: SharesDescription;
  readonly timings: StartTimings;
  /** Empty while the machine is not up, or an operation changes it. */
  readonly resources: readonly ResourceHealth[];
  /** The latest repairs since the daemon was started, oldest first. */
  readonly repairs: readonly Repair[];
  /** What other programs on the host do to the VM's network, and a data disk that is nearly full, as of the last look. */
  readonly obstacles: readonly Obstacle[];
}

/** What the VM uses of the host, as far as it is known. */
export interface MachineUsage {
  /** Since the VM's start, of all its processors. */
  readonly processorSeconds?: number;
  readonly memoryBytes?: number;
  /** What the data disk takes. */
  readonly diskBytes?: number;
}

/** What the daemon knows without asking the VM or its engine. */
export interface DaemonInfo {
  readonly state: MachineState;
  readonly namespace?: string;
  readonly daemon: DaemonDescription;
}
