import type { EnsureContext, ManagedResource, StepOutcome } from '../../core/host/index.js';
import type { VmDriver, VmSpec } from '../../vm/index.js';
import type { BootWatch } from './boot-watch.js';
import { isUp, stateToStop } from './observe-vm.js';

export interface VmResourcesOptions {
  readonly driver: VmDriver;
  readonly boot: BootWatch;
  /** A VM of an earlier `up` runs. */
  readonly isRunning: boolean;
  /** Called once the host's side is set up: it names the device that the VM attaches to. */
  readonly spec: () => VmSpec;
  /** How long the guest may take to shut down, seconds. */
  readonly gracefulSeconds: number;
  /** Called with the data disk's size, GiB. */
  readonly onDiskSize: (diskGiB: number) => void;
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
    const { driver, spec, onDiskSize, removesData } = this.#options;
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
        onDiskSize((await driver.define(spec(), context)).diskGiB);
        if (found === undefined) return 'create';
        return isSame ? 'none' : 'update';
      },
      remove: async (context) => {
        await driver.remove({ dataDisk: removesData }, context);
        return 'remove';
      },
    };
  }

  #machine(): ManagedResource {
    const { driver, gracefulSeconds } = this.#options;
    return {
      id: 'vm',
      title: 'virtual machine',
      lifetime: 'machine',
      isRepaired: false,
      plan: async ({ signal }) => (isUp(await driver.state(signal)) ? { kind: 'none' } : { kind: 'create' }),
      ensure: (context) => this.#start(context),
      remove: async (context) => {
        const state = await stateToStop(driver, context.signal);
        if (state === 'absent' || state === 'off') return 'none';
        await driver.stop({ gracefulSeconds }, context);
        return 'remove';
      },
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
}

/** Names of the settings of a VM that differ. */
function changedFields(found: VmSpec, wanted: VmSpec): readonly string[] {
  const keys = new Set([...Object.keys(found), ...Object.keys(wanted)]) as Set<keyof VmSpec>;
  return [...keys].filter((key) => JSON.stringify(found[key]) !== JSON.stringify(wanted[key]));
}
