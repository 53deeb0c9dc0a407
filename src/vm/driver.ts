import type { EnsureContext, StepContext } from '../core/host/index.js';
import type { Mac } from '../core/values/index.js';

/**
 * Describes a virtual machine; the same for every driver. A driver stores the last defined specification, so
 * that a later daemon can start, restore or adopt the machine without being given it again.
 */
export interface VmSpec {
  /** The machine id, a UUID. A running VM is recognised and adopted by it, never by name. */
  readonly machineId: string;
  readonly name: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** `bios` is a Hyper-V generation 1 VM, `uefi` a generation 2 VM. */
  readonly firmware: 'bios' | 'uefi';
  /** Absolute path of the boot ISO. */
  readonly isoPath: string;
  readonly dataDisk: {
    /** Absolute path; the driver adds no extension. */
    readonly path: string;
    readonly sizeGiB: number;
  };
  readonly network: {
    /** The tap device (QEMU) or the switch (Hyper-V). */
    readonly attachment: string;
    readonly mac: Mac;
  };
  /** QEMU only: uses this accelerator without testing it first. */
  readonly accelerator?: 'kvm' | 'tcg' | undefined;
  /**
   * Tells the guest at boot that the host will configure it over the key-value exchange, so that it keeps its
   * engine closed until then. A guest on Hyper-V always assumes so.
   */
  readonly awaitsConfiguration: boolean;
}

/**
 * The state of the machine, always observed and never remembered.
 *
 * - `absent`: nothing is defined, or the definition is gone
 * - `off`: defined, not running, no saved state
 * - `saved`: defined, its memory is in a file, which may turn out to be damaged
 * - `starting`, `running`, `paused`, `stopping`: a machine process exists
 * - `stalled`: a machine process exists but is paused, because the host's file system is too full for a guest
 *   write; no data is lost, and `start` resumes it
 * - `crashed`: a process exists (or Hyper-V reports Critical) but cannot continue; use `powerOff`
 */
export type VmState =
  'absent' | 'off' | 'saved' | 'starting' | 'running' | 'paused' | 'stalled' | 'stopping' | 'crashed';

/** Which folder is too full for a stalled machine. */
export interface VmStall {
  /** The folder of the data disk. */
  readonly folder: string;
  readonly freeBytes: number;
}

/** What `define` found or created. */
export interface Defined {
  /** The actual size of the data disk, which may be larger than requested. */
  readonly diskGiB: number;
}

/** Optional capabilities, so that callers check for a feature and never for a platform. */
export interface DriverFeatures {
  /** The data disk can be grown while the machine runs. */
  readonly growsDiskOnline: boolean;
  /** The accelerator in use (`kvm`, `tcg`); undefined on Hyper-V. */
  readonly accelerator: string | undefined;
  /** How many processors the running machine has, if that is not what its specification says. */
  readonly processors?: number | undefined;
}

export interface StopOptions {
  /** Seconds the guest has to shut down after the ACPI power button; 0 powers it off at once. */
  readonly gracefulSeconds: number;
}

/**
 * How `stop` ended a machine. `clean`: the guest shut down, or was off already. `forced`: it was powered off,
 * because it did not shut down in time or could not be asked to.
 */
export type StopOutcome = 'clean' | 'forced';

/** How a machine ended: the guest shut down, mobyvm ended it (`host`), or it died unexpectedly. */
export interface VmExit {
  readonly reason: 'guest' | 'host' | 'died';
  /** One sentence, for example "QEMU (pid 4711) was killed by SIGKILL" or "the guest's kernel panicked". */
  readonly detail: string;
}

/**
 * Order of calls: `define` → `start` (or `restore` if `saved`) → `stop`, `powerOff` or `save` → `remove`.
 * Every call is idempotent. Every wait ends when the context's signal is aborted.
 */
export interface VmDriver {
  readonly name: 'qemu' | 'hyperv' | 'fake';
  readonly features: DriverFeatures;

  /** Observes the state; changes nothing. */
  state(signal: AbortSignal): Promise<VmState>;

  /** The specification of the last `define`, or undefined when absent. */
  definition(): Promise<VmSpec | undefined>;

  /** What the running machine was started with; undefined if none is running or this is no longer known. */
  runningSpec(): Promise<VmSpec | undefined>;

  /** The size of a saved memory's file; undefined if nothing is saved or the driver does not know it. */
  savedBytes(): Promise<number | undefined>;

  /**
   * Creates or updates the definition and the data disk. An existing disk is kept, regardless of its content;
   * it is grown if `sizeGiB` is larger and never shrunk. A running machine keeps its hardware until its next
   * start.
   * @throws MobyvmError MOBYVM_DATA_DISK, MOBYVM_DISK_FULL
   */
  define(spec: VmSpec, context: EnsureContext): Promise<Defined>;

  /**
   * Starts a machine that is off; returns once its processors run. A running machine is left alone (adopted
   * if an earlier daemon started it); a paused or stalled one is resumed. The registered undo powers off what
   * this call started.
   * @throws MobyvmError MOBYVM_VM_START; MOBYVM_VM_STATE if it is absent or saved; MOBYVM_DISK_FULL if it is
   *   stalled and the disk is still full
   */
  start(context: EnsureContext): Promise<void>;

  /**
   * Resumes a stalled machine if there is enough space by now. Leaves any other machine alone.
   * @throws MobyvmError MOBYVM_DISK_FULL
   */
  resume(signal: AbortSignal): Promise<void>;

  /**
   * Asks the guest to shut down, waits, then powers off. Succeeds if it is already off.
   * @throws MobyvmError MOBYVM_VM_STOP if even powering off does not end it
   */
  stop(options: StopOptions, context: StepContext): Promise<StopOutcome>;

  /** Ends the machine at once, in any state; a saved state is discarded. Unwritten guest data is lost. */
  powerOff(context: StepContext): Promise<void>;

  /**
   * Writes the memory to a file and ends the machine; afterwards the state is `saved`.
   * If saving fails, the machine keeps running.
   * @throws MobyvmError MOBYVM_VM_SAVE, MOBYVM_DISK_FULL
   */
  save(context: StepContext): Promise<void>;

  /**
   * Continues a saved machine, with the hardware that it was saved with; the saved memory is used once and
   * then deleted. The guest's clock continues from the time of the save.
   * @throws MobyvmError MOBYVM_VM_RESTORE if the saved state is damaged or does not fit this host any more;
   *   it is kept, so that the caller can retry or discard it
   */
  restore(context: EnsureContext): Promise<void>;

  /** Powers off and removes everything the driver created; the data disk only on request. */
  remove(options: { readonly dataDisk: boolean }, context: StepContext): Promise<void>;

  /** Called whenever a running machine has ended. Returns the unsubscribe function. */
  onExit(listener: (exit: VmExit) => void): () => void;

  /**
   * Called when a running machine stalls or an adopted one is found stalled. Returns the unsubscribe
   * function.
   */
  onStall(listener: (stall: VmStall) => void): () => void;

  /** The guest's console, captured from power-on even without listeners. */
  readonly console: VmConsole;

  /** Closes all connections and leaves the VM running. */
  close(): Promise<void>;
}

export interface VmConsole {
  /** The size-limited log file; it outlives the daemon. */
  readonly logPath: string;
  /** The last lines, oldest first, without control sequences. */
  tail(maxLines: number): Promise<readonly string[]>;
  /** Calls back for every new line. Returns the unsubscribe function. */
  onLine(listener: (line: string) => void): () => void;
}
