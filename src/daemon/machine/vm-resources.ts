import type {
  EnsureContext,
  ManagedResource,
  RemoveOutcome,
  StepContext,
  StepOutcome,
} from '../../core/host/index.js';
import { parseBootStage, type VmDriver, type VmSpec } from '../../vm/index.js';
import type { DataDiskFile } from '../host-side/data-disk.js';
import type { BootWatch } from './boot-watch.js';
import { diskStays, forcedStop } from './machine-messages.js';
import { isUp, stateToStop } from './observe-vm.js';

/** The guest is not trusted: what it reports during a shutdown is bounded. */
const MAX_GUEST_NOTICES = 5;
const MAX_GUEST_TEXT = 200;

export interface VmResourcesOptions {
  readonly driver: VmDriver;
  readonly boot: BootWatch;
  /** A VM of an earlier `up` runs. */
  readonly isRunning: boolean;
  /** Called once the host's side is set up: it names the device that the VM attaches to. */
  readonly spec: () => VmSpec;
  /** How long the guest may take to shut down, seconds; 0 powers it off at once. */
  readonly gracefulSeconds: number;
  /** Called with what the user should know although nothing failed. */
  readonly notice: (message: string) => void;
  readonly dataDisk: DataDiskFile;
  /** `uninstall` deletes the data disk as well. */
  readonly removesData: boolean;
}

/** The VM as two resources: its definition with the data disk, which `down` keeps, and the machine that runs. */
export class VmResources {
  readonly #options: VmResourcesOptions;
  #wasSaved = false;

  constructor(options: VmResourcesOptions) {
    this.#options = options;
  }

  /** The guest boots. False when its memory was restored, or when it was running before. */
  get isFreshBoot(): boolean {
    return !this.#options.isRunning && !this.#wasSaved;
  }

  get all(): readonly ManagedResource[] {
    return [this.#definition(), this.#machine()];
  }

  #definition(): ManagedResource {
    const { driver, spec, notice, dataDisk, removesData } = this.#options;
    return {
      id: 'vm-definition',
      title: 'VM definition and data disk',
      lifetime: 'installation',
      isRepaired: false,
      plan: async () => {
        const found = await driver.definition();
        if (found === undefined) return { kind: 'create' };
        const fields = changedFields(found, spec());
        return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
      },
      ensure: async (context) => {
        const found = await driver.definition();
        const isSame = found !== undefined && changedFields(found, spec()).length === 0;
        const wanted = spec();
        const { diskGiB } = await driver.define(wanted, context);
        if (diskGiB > wanted.dataDisk.sizeGiB) notice(diskStays(wanted.dataDisk.sizeGiB, diskGiB));
        if (found === undefined) return 'create';
        return isSame ? 'none' : 'update';
      },
      remove: async (context) => {
        // A definition that cannot be read is removed like any other.
        const found = await driver.definition().catch(() => 'unreadable' as const);
        await driver.remove({ dataDisk: removesData }, context);
        // An earlier `uninstall --keep-data` left it without a definition.
        const wasKept = removesData && (await dataDisk.remove());
        if (!removesData && (await dataDisk.exists())) context.progress('the data disk is kept');
        return found === undefined && !wasKept ? 'none' : 'remove';
      },
    };
  }

  #machine(): ManagedResource {
    const { driver } = this.#options;
    return {
      id: 'vm',
      title: 'virtual machine',
      lifetime: 'machine',
      isRepaired: false,
      plan: async ({ signal }) => (isUp(await driver.state(signal)) ? { kind: 'none' } : { kind: 'create' }),
      ensure: (context) => this.#start(context),
      remove: (context) => this.#stop(context),
    };
  }

  async #start(context: EnsureContext): Promise<StepOutcome> {
    const { driver, boot, isRunning } = this.#options;
    boot.start();
    if (isRunning) await boot.catchUp();
    this.#wasSaved = (await driver.state(context.signal)) === 'saved';
    await (this.#wasSaved ? driver.restore(context) : driver.start(context));
    context.progress(isRunning ? '' : (driver.features.accelerator ?? ''));
    return isRunning ? 'none' : 'create';
  }

  /** Shuts the VM down, whatever state it is in. */
  async #stop(context: StepContext): Promise<RemoveOutcome> {
    const { driver, gracefulSeconds, notice } = this.#options;
    const state = await stateToStop(driver, context.signal);
    if (state === 'absent' || state === 'off') return 'none';
    const unfollow = driver.console.onLine(shutdownReporter(notice, context));
    try {
      const outcome = await driver.stop({ gracefulSeconds }, context);
      if (outcome === 'forced' && gracefulSeconds > 0) notice(forcedStop(gracefulSeconds));
    } finally {
      unfollow();
    }
    return 'remove';
  }
}

/** Shows what the guest says about its shutdown; what it calls an error becomes a notice. */
function shutdownReporter(
  notice: (message: string) => void,
  { progress }: StepContext,
): (line: string) => void {
  let notices = 0;
  return (line) => {
    const stage = parseBootStage(line);
    if (stage?.stage !== 'shutdown') return;
    const text = stage.text.slice(0, MAX_GUEST_TEXT);
    if (!stage.isError) return progress(text);
    notices += 1;
    if (notices <= MAX_GUEST_NOTICES) notice(`The guest reports: ${text}.`);
  };
}

/** Names of the settings of a VM that differ. */
function changedFields(found: VmSpec, wanted: VmSpec): readonly string[] {
  const keys = new Set([...Object.keys(found), ...Object.keys(wanted)]) as Set<keyof VmSpec>;
  return [...keys].filter((key) => JSON.stringify(found[key]) !== JSON.stringify(wanted[key]));
}
