import { run, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import type { Accelerator } from './command-line.plan.js';

export interface AcceleratorOptions {
  /** For example `qemu-system-x86_64`. */
  readonly qemuProgram: string;
  /** Programs and arguments that stand before QEMU's, for example `ip netns exec NAME`. */
  readonly commandPrefix: readonly string[];
  readonly logger: Logger;
  /** Takes this one without trying, unless a machine's specification says otherwise. */
  readonly forced?: Accelerator | undefined;
}

/** A machine's firmware speaks within a tenth of a second; a busy host may need longer. */
const TRIAL_TIMEOUT_MS = 10_000;

/**
 * Chooses by trying, once per process. /dev/kvm may exist and still not work: no permission, nested virtualisation
 * that is off, another hypervisor in the way. Some only fail later, at an instruction that a boot loader needs: so KVM is
 * on trial until a guest has reached its own first words with it.
 */
export class AcceleratorChoice {
  readonly #options: AcceleratorOptions;
  #chosen: Accelerator | undefined;
  #isProven = false;

  constructor(options: AcceleratorOptions) {
    this.#options = options;
  }

  /** @param wanted takes this one without trying, this time */
  async choose(signal: AbortSignal, wanted = this.#options.forced): Promise<Accelerator> {
    if (wanted !== undefined) return wanted;
    if (this.#chosen !== undefined) return this.#chosen;
    const trial = await tryAccelerator('kvm', this.#options, signal);
    this.#chosen = trial.works ? 'kvm' : 'tcg';
    this.#isProven = !trial.works;
    this.#options.logger.info('vm.accelerator.chosen', { accelerator: this.#chosen, trial: trial.detail });
    return this.#chosen;
  }

  /** True while a guest that does not come up may still be the accelerator's fault. */
  isOnTrial(wanted = this.#options.forced): boolean {
    return wanted === undefined && !this.#isProven;
  }

  /** A guest has come up with it. */
  proven(): void {
    this.#isProven = true;
  }

  /** A guest has not come up with it: from now on without. */
  failed(reason: unknown): void {
    this.#options.logger.warn('vm.accelerator.failed', { accelerator: this.#chosen, reason: textOf(reason) });
    this.#chosen = 'tcg';
    this.#isProven = true;
  }
}

export interface AcceleratorTrial {
  readonly works: boolean;
  /** The firmware's first line, or QEMU's reason. */
  readonly detail: string;
}

/**
 * Starts a machine without any device but the firmware's debug port, and waits for the firmware's first words: they
 * come only when a processor really executes instructions.
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
  let firmwareWords: string | undefined;
  const onLine = (line: string): void => {
    if (!line.includes('SeaBIOS') || proven.signal.aborted) return;
    firmwareWords = line.trim();
    proven.abort();
  };
  try {
    const either = AbortSignal.any([signal, proven.signal]);
    await run(program, args, { onLine, signal: either, timeoutMs: TRIAL_TIMEOUT_MS });
    return { works: false, detail: 'the machine ended before its firmware ran' };
  } catch (error) {
    signal.throwIfAborted();
    return firmwareWords === undefined
      ? { works: false, detail: textOf(error) }
      : { works: true, detail: firmwareWords };
  }
}

function trialArguments(accelerator: Accelerator): readonly string[] {
  return [
    ...['-machine', 'q35', '-accel', accelerator, '-m', 'size=32M', '-nodefaults', '-display', 'none'],
    ...['-no-reboot', '-chardev', 'stdio,id=firmware,signal=off'],
    ...['-device', 'isa-debugcon,iobase=0x402,chardev=firmware'],
  ];
}
