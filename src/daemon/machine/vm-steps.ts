import type { Step } from '../../core/host/index.js';
import type { VmDriver, VmSpec } from '../../vm/index.js';
import type { BootWatch } from './boot-watch.js';
import { stateToStop } from './observe-vm.js';

export interface VmStartOptions {
  readonly driver: VmDriver;
  readonly boot: BootWatch;
  /** There is a VM that runs, from an earlier `up`. */
  readonly isRunning: boolean;
  /** Asked for when the host's side stands. */
  readonly spec: () => VmSpec;
  /** Told of the data disk's size, GiB. */
  readonly diskIs: (diskGiB: number) => void;
}

/** One start of the VM: the step that does it, and what the guest is after it. */
export class VmStart {
  readonly #options: VmStartOptions;
  #wasSaved = false;

  constructor(options: VmStartOptions) {
    this.#options = options;
  }

  /** The guest boots; false when its memory was restored, or when it was running before. */
  get isFreshBoot(): boolean {
    return !this.#options.isRunning && !this.#wasSaved;
  }

  step(): Step {
    const { driver, boot, isRunning, spec, diskIs } = this.#options;
    return {
      id: 'vm',
      title: 'virtual machine',
      run: async (context) => {
        boot.start();
        if (isRunning) await boot.catchUp();
        diskIs((await driver.define(spec(), context)).diskGiB);
        this.#wasSaved = (await driver.state(context.signal)) === 'saved';
        await (this.#wasSaved ? driver.restore(context) : driver.start(context));
        context.progress(isRunning ? '' : (driver.features.accelerator ?? ''));
        return isRunning ? 'none' : 'create';
      },
    };
  }
}

/** Shuts the VM down, whatever state it is in. */
export function vmStop(driver: VmDriver, gracefulSeconds: number): Step {
  return {
    id: 'vm',
    title: 'virtual machine',
    run: async (context) => {
      const state = await stateToStop(driver, context.signal);
      if (state === 'absent' || state === 'off') return 'none';
      await driver.stop({ gracefulSeconds }, context);
      return 'remove';
    },
  };
}
