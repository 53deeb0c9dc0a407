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
import { gracefulSecondsWithin, type EndLimits } from './end-limits.plan.js';
import { diskStays, forcedStop } from './machine-messages.js';
import { isUp, stateToStop } from './observe-vm.js';
import type { SavedMachine } from './saved-machine.js';

/** The guest is not trusted: what it reports during a shutdown is bounded. */
const MAX_GUEST_NOTICES = 5;
const MAX_GUEST_TEXT = 200;

/**
 * What becomes of a VM that is removed. `save`: its memory is written to disk, or else it is shut down. `stop`: it is shut
 * down, and resumed first if it is saved. `discard`: likewise, but a saved memory is thrown away.
 */
export type VmEnding = 'save' | 'stop' | 'discard';

/** Since when the VM is to end, by `performance.now()`. */
export type LimitedEnd = EndLimits & { readonly beganMs: number };

export interface VmResourcesOptions {
  readonly driver: VmDriver;
  readonly boot: BootWatch;
  /** A VM of an earlier `up` runs. */
  readonly isRunning: boolean;
  /** Called once the host's side is set up: it names the device that the VM attaches to. */
  readonly spec: () => VmSpec;
  readonly saved: SavedMachine;
  readonly ending: VmEnding;
  /** Undefined when a person waits for it. */
  readonly limits: LimitedEnd | undefined;
  /** How long the guest may take to shut down, seconds; 0 powers it off at once. */
  readonly gracefulSeconds: number;
  /** Called with what the user should know although nothing failed. */
  readonly notice: (message: string) => void;
  /** Called as soon as a guest that was saved or paused runs on. */
  readonly hasResumed?: (context: EnsureContext) => void;
  readonly dataDisk: DataDiskFile;
  /** `uninstall` deletes the data disk as well. */
  readonly removesData: boolean;
}

/** The VM as two resources: its definition with the data disk, which `down` keeps, and the machine that runs. */
export class VmResources {
  readonly #options: VmResourcesOptions;
  #hasResumed = false;
  #hasAnswered = false;
  /** The data disk is smaller than the settings want it. */
  #isDiskSmall = false;

  constructor(options: VmResourcesOptions) {
    this.#options = options;
  }

  /** The guest boots. False when it was resumed, or when it was running before. */
  get isFreshBoot(): boolean {
    return !this.#options.isRunning && !this.#hasResumed;
  }

  /** The guest was saved, and runs on. */
  get hasResumed(): boolean {
    return this.#hasResumed;
  }

  /** Its engine has answered since it was resumed. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
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
        this.#isDiskSmall = diskGiB < wanted.dataDisk.sizeGiB;
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
    const { driver, boot, hasResumed, isRunning, saved, spec } = this.#options;
    boot.start();
    if (isRunning) await boot.catchUp();
    const state = await driver.state(context.signal);
    this.#hasAnswered = state === 'saved' && (await saved.resume(context));
    this.#hasResumed = state === 'paused' || this.#hasAnswered;
    if (this.#hasAnswered) {
      hasResumed?.(context);
      // It could not grow while the guest was saved.
      if (this.#isDiskSmall) await driver.define(spec(), context);
      context.progress('resumed');
      return 'create';
    }
    if (this.isFreshBoot) {
      // What a saved guest printed while it shut down says nothing about the next boot.
      boot.start();
      await saved.forget();
    }
    await driver.start(context);
    if (this.#hasResumed) hasResumed?.(context);
    context.progress(isRunning ? '' : (driver.features.accelerator ?? ''));
    return isRunning ? 'none' : 'create';
  }

  /** Saves the VM or shuts it down, whatever state it is in. */
  async #stop(context: StepContext): Promise<RemoveOutcome> {
    const { driver, ending, gracefulSeconds, limits, notice, saved } = this.#options;
    const state = await stateToStop(driver, context.signal);
    if (state === 'absent' || state === 'off') return 'none';
    if (state === 'saved') return this.#endSaved(context);
    // A save was interrupted: a guest whose processors are stopped would not shut down.
    if (state === 'paused') await driver.start({ ...context, onFailure: () => undefined });
    const began = limits?.beganMs ?? 0;
    const saving =
      ending === 'save' ? await saved.save(context, limits && began + limits.saveSeconds * 1_000) : 'failed';
    if (saving === 'saved') return 'remove';
    const seconds = gracefulSecondsWithin(limits, gracefulSeconds, {
      spentSeconds: (performance.now() - began) / 1_000,
      hasSaveOverrun: saving === 'overrun',
    });
    const unfollow = driver.console.onLine(shutdownReporter(notice, context));
    try {
      const outcome = await driver.stop({ gracefulSeconds: seconds }, context);
      if (outcome === 'forced' && gracefulSeconds > 0) notice(forcedStop(seconds));
    } finally {
      unfollow();
    }
    await saved.forget();
    return 'remove';
  }

  async #endSaved(context: StepContext): Promise<RemoveOutcome> {
    const { driver, ending, saved } = this.#options;
    switch (ending) {
      case 'save':
        return 'none';
      case 'stop':
        await saved.shutDown(context);
        return 'remove';
      case 'discard':
        await driver.powerOff(context);
        await saved.forget();
        return 'remove';
    }
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
