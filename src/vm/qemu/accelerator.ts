import { run, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import type { Accelerator } from './command-line.plan.js';

export interface AcceleratorOptions {
  /** For example `qemu-system-x86_64`. */
  readonly qemuProgram: string;
  /** A command to run QEMU with, for example `ip netns exec NAME`. */
  readonly commandPrefix: readonly string[];
  readonly logger: Logger;
  /** Uses this accelerator without testing it, unless a machine's specification names another. */
  readonly forced?: Accelerator | undefined;
}

/** The firmware prints its first line within a tenth of a second; a busy host may need longer. */
const TRIAL_TIMEOUT_MS = 10_000;

/**
 * Chooses the accelerator by testing it, once per process. /dev/kvm may exist but not work: missing
 * permission, nested virtualisation disabled, another hypervisor in the way. Sometimes it fails only later,
 * at an instruction that the boot loader uses, so KVM stays on trial until a guest has booted with it.
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

export interface AcceleratorTrial {
  readonly works: boolean;
  /** The firmware's first line, or QEMU's error. */
  readonly detail: string;
}

/**
 * Starts a machine with no device but the firmware's debug port and waits for the firmware's first line,
 * which appears only if a processor really executes instructions.
 */
export async function tryAccelerator(
  accelerator: Accelerator,
  options: Pick<AcceleratorOptions, 'commandPrefix' | 'qemuProgram'>,
  signal: AbortSignal,
): Promise<AcceleratorTrial> {
  const [program = '', ...args] = [
    ...options.commandPrefix,
    options.qemuProgram,
    ...trialArguments(accelerator),
  ];
  const proven = new AbortController();
  let firmwareLine: string | undefined;
  const onLine = (line: string): void => {
    if (!line.includes('SeaBIOS') || proven.signal.aborted) return;
    firmwareLine = line.trim();
    proven.abort();
  };
  try {
    const either = AbortSignal.any([signal, proven.signal]);
    await run(program, args, { onLine, signal: either, timeoutMs: TRIAL_TIMEOUT_MS });
    return { works: false, detail: 'QEMU exited before the firmware ran' };
  } catch (error) {
    signal.throwIfAborted();
    return firmwareLine === undefined
      ? { works: false, detail: textOf(error) }
      : { works: true, detail: firmwareLine };
  }
}

function trialArguments(accelerator: Accelerator): readonly string[] {
  return [
    ...['-machine', 'q35', '-accel', accelerator, '-m', 'size=32M', '-nodefaults', '-display', 'none'],
    ...['-no-reboot', '-chardev', 'stdio,id=firmware,signal=off'],
    ...['-device', 'isa-debugcon,iobase=0x402,chardev=firmware'],
  ];
}
