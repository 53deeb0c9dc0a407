import type { Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { tryAccelerator, type TrialOptions } from './accelerator-trial.js';
import type { Accelerator } from './command-line.plan.js';

export interface AcceleratorOptions extends TrialOptions {
  readonly logger: Logger;
  /** Uses this accelerator without testing it, unless a machine's specification names another. */
  readonly forced?: Accelerator | undefined;
}

/**
 * Chooses the accelerator by testing it, once per process. /dev/kvm may exist but not work: missing
 * permission, nested virtualisation disabled, another hypervisor in the way. It may also fail at
 * an instruction that the trial does not use, so KVM stays on trial until a guest has booted with it.
 */
export class AcceleratorChoice {
  readonly #options: AcceleratorOptions;
  #chosen: Accelerator | undefined;
  #isProven = false;

  constructor(options: AcceleratorOptions) {
    this.#options = options;
  }

  /** @param wanted uses this accelerator without testing it, for this call */
  async choose(signal: AbortSignal, wanted = this.#options.forced): Promise<Accelerator> {
    if (wanted !== undefined) return wanted;
    if (this.#chosen !== undefined) return this.#chosen;
    const trial = await tryAccelerator('kvm', this.#options, signal);
    this.#chosen = trial.works ? 'kvm' : 'tcg';
    this.#isProven = !trial.works;
    this.#options.logger.info('vm.accelerator.chosen', { accelerator: this.#chosen, trial: trial.detail });
    return this.#chosen;
  }

  /** True while a guest that fails to boot may be the accelerator's fault. */
  isOnTrial(wanted = this.#options.forced): boolean {
    return wanted === undefined && !this.#isProven;
  }

  /** Called when a guest has booted with it. */
  proven(): void {
    this.#isProven = true;
  }

  /** Called when a guest failed to boot with it: uses TCG from now on. */
  failed(reason: unknown): void {
    this.#options.logger.warn('vm.accelerator.failed', { accelerator: this.#chosen, reason: textOf(reason) });
    this.#chosen = 'tcg';
    this.#isProven = true;
  }
}
