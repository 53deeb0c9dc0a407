import type { Logger } from '../../core/host/index.js';
import { reportOf, type MobyvmError } from '../../core/values/index.js';
import { stalledError, type VmDriver, type VmExit } from '../../vm/index.js';
import type { MachineCondition } from './condition.js';
import { ended } from './machine-messages.js';
import { resumeIfStalled } from './observe-vm.js';

export interface VmWatchOptions {
  readonly driver: VmDriver;
  readonly condition: MachineCondition;
  /** An operation runs: it notices by itself that the VM has ended. */
  readonly isBusy: () => boolean;
  /** Called when the VM has ended, for whatever reason. */
  readonly onExit: () => void;
  readonly logger: Logger;
}

/** Takes note when the VM ends or stalls without being asked to. */
export class VmWatch {
  readonly #options: VmWatchOptions;
  #exit: VmExit | undefined;
  #stall: MobyvmError | undefined;

  constructor(options: VmWatchOptions) {
    this.#options = options;
    options.driver.onExit((exit) => this.#exited(exit));
    options.driver.onStall((stall) => this.#stalled(stalledError(stall)));
  }

  /** How the VM ended since the last start. */
  get exit(): VmExit | undefined {
    return this.#exit;
  }

  /** Why the VM is stalled; undefined while it is not. */
  get stall(): MobyvmError | undefined {
    return this.#stall;
  }

  expectStart(): void {
    this.#exit = undefined;
    this.#stall = undefined;
  }

  /** Tries to resume a stalled VM. True if it is still stalled. */
  async isStalled(): Promise<boolean> {
    const stall = await resumeIfStalled(this.#options);
    if (stall === undefined) this.#stall = undefined;
    else this.#stalled(stall);
    return stall !== undefined;
  }

  #exited(exit: VmExit): void {
    const { condition, isBusy, logger, onExit } = this.#options;
    this.#exit = exit;
    condition.isEngineReady = false;
    onExit();
    logger.warn('vm.exited', { reason: exit.reason, detail: exit.detail });
    if (!isBusy()) condition.apply('vm.exited', reportOf(ended(exit)));
  }

  #stalled(error: MobyvmError): void {
    this.#stall = error;
    this.#options.condition.apply('vm.stalled', reportOf(error));
  }
}
