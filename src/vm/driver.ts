import type { EnsureContext, StepContext } from '../core/host/index.js';
import type { Mac } from '../core/values/index.js';

/**
 * What a virtual machine consists of; the same on every driver. A driver keeps the last defined specification, so
 * that a later daemon can start, restore or adopt the machine without being told again.
 */
export interface VmSpec {
  /** Our machine id, a UUID: the identity by which a running VM is recognised and adopted. Never guessed by name. */
  readonly machineId: string;
  readonly name: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** `bios` is Hyper-V's generation 1, `uefi` its generation 2. */
  readonly firmware: 'bios' | 'uefi';
  /** Absolute path of the boot ISO. */
  readonly isoPath: string;
  readonly dataDisk: {
    /** Absolute path; the driver adds no ending of its own. */
    readonly path: string;
    readonly sizeGiB: number;
  };
  readonly network: {
    /** QEMU: the tap device. Hyper-V: the switch. */
    readonly attachment: string;
    readonly mac: Mac;
  };
  /** QEMU only: takes this one without trying whether it works. */
  readonly accelerator?: 'kvm' | 'tcg' | undefined;
  /**
   * The guest is told at its boot that its host configures it over the key-value exchange: it keeps its engine closed
   * until then. On Hyper-V it takes that for granted.
   */
  readonly awaitsConfiguration: boolean;
}

/**
 * What the driver sees, observed and never remembered.
 *
 * - `absent`: nothing is defined, or the definition is gone
 * - `off`: defined, not running, no saved state
 * - `saved`: defined, its memory stands in a file
 * - `starting`, `running`, `paused`, `stopping`: a machine process exists
 * - `stalled`: a machine process exists and stands still, because the host's file system has no room for what the guest
 *   writes; nothing is lost, and `start` lets it go on
 * - `crashed`: a process exists (or Hyper-V says Critical) and cannot go on; `powerOff` is the way out
 */
export type VmState =
  'absent' | 'off' | 'saved' | 'starting' | 'running' | 'paused' | 'stalled' | 'stopping' | 'crashed';

/** Where a stalled machine lacks room. */
export interface VmStall {
  /** The folder of the data disk. */
  readonly folder: string;
  readonly freeBytes: number;
}

/** What `define` found or made. */
export interface Defined {
  /** Of the data disk as it is now: more than was asked for when it was larger already. */
  readonly diskGiB: number;
}

/** What only some drivers can do, so that callers ask for the feature and never for the platform. */
export interface DriverFeatures {
  /** The data disk can be enlarged while the machine runs. */
  readonly growsDiskOnline: boolean;
  /** The driver can tell which accelerator it uses (`kvm`, `tcg`); undefined on Hyper-V. */
  readonly accelerator: string | undefined;
}

export interface StopOptions {
  /** How long the guest may take to shut down by itself after the ACPI power button, seconds. 0 skips asking. */
  readonly gracefulSeconds: number;
}

/** How a machine ended. `guest` shut itself down, `host` means that we did it, `died` that nobody asked for it. */
export interface VmExit {
  readonly reason: 'guest' | 'host' | 'died';
  /** One sentence, for example "QEMU (pid 4711) was killed by SIGKILL" or "the guest's kernel panicked". */
  readonly detail: string;
}

/**
 * Order of calls: `define` → `start` (or `restore`, when the state is `saved`) → `stop`, `powerOff` or `save` → `remove`.
 * Each call may be repeated: what is already so is success. Every wait ends when the context's signal is aborted.
 */
export interface VmDriver {
  readonly name: 'qemu' | 'hyperv' | 'fake';
  readonly features: DriverFeatures;

  /** Observes; changes nothing. */
  state(signal: AbortSignal): Promise<VmState>;

  /** The specification of the last `define`, or undefined when absent. */
  definition(): Promise<VmSpec | undefined>;

  /** What the machine that runs now was started with; undefined when none runs, or that is not known any more. */
  runningSpec(): Promise<VmSpec | undefined>;

  /**
   * Brings the definition and the data disk about. A disk that exists is kept, whatever its content; it is enlarged
   * when `sizeGiB` asks for more and never shrunk. A running machine keeps its present hardware until its next start.
   * @throws MobyvmError MOBYVM_DATA_DISK, MOBYVM_DISK_FULL
   */
  define(spec: VmSpec, context: EnsureContext): Promise<Defined>;

  /**
   * Starts a machine that is off; returns once its processors run. A machine that runs already is left alone
   * (adopted if an earlier daemon started it); one that is paused or stalled goes on. The undo that it registers powers
   * off what it started.
   * @throws MobyvmError MOBYVM_VM_START, MOBYVM_VM_STATE when it is absent or saved, MOBYVM_DISK_FULL when it is stalled
   *   and there still is no room
   */
  start(context: EnsureContext): Promise<void>;

  /**
   * Lets a stalled machine go on, if there is room by now. One that is not stalled is left alone.
   * @throws MobyvmError MOBYVM_DISK_FULL
   */
  resume(signal: AbortSignal): Promise<void>;

  /**
   * Asks the guest to shut down, waits, then powers off. Success when it is off already.
   * @throws MobyvmError MOBYVM_VM_STOP when even powering off does not end it
   */
  stop(options: StopOptions, context: StepContext): Promise<void>;

  /** Ends the machine at once, in any state; a saved state is discarded. Unwritten guest data is lost. */
  powerOff(context: StepContext): Promise<void>;

  /**
   * Writes the memory to a file and ends the machine; afterwards the state is `saved`.
   * A failed save leaves the machine running as before.
   * @throws MobyvmError MOBYVM_VM_SAVE, MOBYVM_DISK_FULL
   */
  save(context: StepContext): Promise<void>;

  /**
   * Continues a saved machine; the saved memory is used once and then deleted. The guest's clock stands where it stopped: the guest steps
   * it by its RTC within seconds.
   * @throws MobyvmError MOBYVM_VM_RESTORE; the saved state is kept, so that it can be tried again or discarded
   */
  restore(context: EnsureContext): Promise<void>;

  /** Powers off and removes the definition and everything the driver made, the data disk excepted unless asked for. */
  remove(options: { readonly dataDisk: boolean }, context: StepContext): Promise<void>;

  /** Called whenever a machine that was running has ended. Returns the unsubscribe function. */
  onExit(listener: (exit: VmExit) => void): () => void;

  /** Called whenever a running machine has stalled, or an adopted one is found so. Returns the unsubscribe function. */
  onStall(listener: (stall: VmStall) => void): () => void;

  /** The guest's console, captured from second 0, also while nobody listens. */
  readonly console: VmConsole;

  /** Lets go of the machine without touching it: connections are closed, the VM goes on. */
  close(): Promise<void>;
}

export interface VmConsole {
  /** The capped log file; it survives the daemon. */
  readonly logPath: string;
  /** The last lines, oldest first, control sequences removed. */
  tail(maxLines: number): Promise<readonly string[]>;
  /** Calls back for every line that comes from now on. Returns the unsubscribe function. */
  onLine(listener: (line: string) => void): () => void;
}
