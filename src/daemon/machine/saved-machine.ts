import {
  waitFor,
  timeLimit,
  type EnsureContext,
  type Logger,
  type StepContext,
} from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { VmDriver } from '../../vm/index.js';
import type { GuestRecord, GuestRecordStore } from './guest-record.js';
import { bootsInstead, forcedStop, notSaved, savedIsDiscarded, stopsSaved } from './machine-messages.js';
import { fitOfSaved, type GivenToGuest } from './saved-fit.plan.js';

export interface SavedMachineOptions {
  readonly driver: VmDriver;
  readonly record: GuestRecordStore;
  /** The network namespace that the VM runs in, if any. */
  readonly namespace: string | undefined;
  /** What a boot would give the guest now. */
  readonly wanted: () => Promise<GivenToGuest>;
  readonly pingEngine: (signal: AbortSignal) => Promise<void>;
  /** Has the guest write to its disk what it holds in its memory. Never throws. */
  readonly flushDisk: (signal: AbortSignal) => Promise<void>;
  /** How long the guest may take to shut down, seconds. */
  readonly gracefulSeconds: number;
  /** Called with what the user should know although nothing failed. */
  readonly notice: (message: string) => void;
  /** Called when the VM has ended as part of a start that continues. */
  readonly startsAgain: () => void;
  readonly logger: Logger;
}

/** A resumed engine answers within seconds; a host that is busy may need many more. */
const ANSWER_SECONDS = 60;
const PING_MS = 5_000;
/** With the shutdown that follows if it fails, less than what a service has for its end. */
const SAVE_AGAIN_MS = 90_000;

/**
 * Saves a VM and resumes it.
 *
 * INVARIANT: a saved state is used once. It is discarded only if it cannot be resumed; what the guest had not written to
 * its disk is lost then, as after a power failure.
 */
export class SavedMachine {
  readonly #options: SavedMachineOptions;

  constructor(options: SavedMachineOptions) {
    this.#options = options;
  }

  /**
   * @param untilMs by `performance.now()`; a save that takes longer is given up
   * @returns what became of it; unless it is saved, the VM keeps running and `notice` has said why
   */
  async save(context: StepContext, untilMs?: number): Promise<'saved' | 'failed' | 'overrun'> {
    const { driver, flushDisk, notice } = this.#options;
    const startedMs = performance.now();
    const { progress } = context;
    const signal = untilMs === undefined ? context.signal : timeLimit(untilMs - startedMs, context.signal);
    progress('letting it write to its disk');
    await flushDisk(signal);
    progress('writing its memory to disk');
    try {
      await driver.save({ progress, signal });
    } catch (error) {
      context.signal.throwIfAborted();
      // Hyper-V completes a save that is no longer waited for.
      if (!signal.aborted || (await driver.state(context.signal)) !== 'saved') {
        const seconds = Math.round((performance.now() - startedMs) / 1_000);
        notice(notSaved(signal.aborted ? `that was not finished after ${seconds} s` : textOf(error)));
        return signal.aborted ? 'overrun' : 'failed';
      }
    }
    await this.#noteSaved();
    const bytes = await driver.savedBytes();
    progress(bytes === undefined ? 'saved' : `saved, ${Math.round(bytes / 1024 ** 2)} MiB`);
    return 'saved';
  }

  /**
   * Resumes the saved guest if it fits what a boot would give it. Otherwise, or if its engine does not answer, it is shut
   * down or discarded, and `notice` says why.
   * @returns whether it runs on; if not, the VM is off
   */
  async resume(context: EnsureContext): Promise<boolean> {
    const { driver, notice, wanted } = this.#options;
    const fit = fitOfSaved(await this.#given(), await wanted());
    if (fit.kind === 'discard') {
      await this.#discard(fit.because, context);
      return false;
    }
    if (fit.kind === 'shut down') {
      notice(stopsSaved(fit.because));
      await this.shutDown(context);
      return false;
    }
    context.progress('resuming it from its saved memory');
    try {
      await driver.restore(context);
    } catch (error) {
      await this.#discardUnlessUsable(error, context);
      return false;
    }
    context.onFailure(() => this.#saveAgain());
    if (await this.#engineAnswers(context)) {
      await this.#noteRunning();
      return true;
    }
    notice(bootsInstead(`its engine did not answer within ${ANSWER_SECONDS} s`));
    await this.#stop(context);
    return false;
  }

  /** Resumes the guest to let it shut down, so that its disk is in order; discards it if it cannot be resumed. */
  async shutDown(context: StepContext): Promise<void> {
    const { driver } = this.#options;
    context.progress('resuming it to shut it down');
    try {
      // Nothing is undone: what has been resumed shuts down.
      await driver.restore({ ...context, onFailure: () => undefined });
    } catch (error) {
      return this.#discardUnlessUsable(error, context);
    }
    context.progress('shutting down');
    await this.#stop(context);
  }

  /** The guest has ended: what it was given means nothing any more. */
  forget(): Promise<void> {
    return this.#options.record.remove();
  }

  /** A guest has booted: notes what it was given. */
  async noteBooted(accelerator: string | undefined): Promise<void> {
    const given = await this.#options.wanted();
    const settings = { ...given.settings };
    // The one that was chosen; drivers without a choice have none to compare.
    delete settings['vm.accelerator'];
    if (accelerator !== undefined) settings['vm.accelerator'] = accelerator;
    await this.#write({ format: 1, ...given, settings });
  }

  /** The guest is about to be saved. False if nobody knows what it was given, so that it could not be resumed. */
  async noteShares(shares: readonly string[]): Promise<boolean> {
    const known = await this.#given();
    if (known === undefined) return false;
    await this.#write({ ...known, shares });
    return true;
  }

  /** Not interruptible: the guest is to end in order. */
  async #stop({ progress }: StepContext): Promise<void> {
    const { driver, gracefulSeconds, notice, record, startsAgain } = this.#options;
    const outcome = await driver.stop(
      { gracefulSeconds },
      { progress, signal: new AbortController().signal },
    );
    if (outcome === 'forced' && gracefulSeconds > 0) notice(forcedStop(gracefulSeconds));
    startsAgain();
    await record.remove();
  }

  /** @throws what says nothing against the saved state, such as a host without enough memory */
  async #discardUnlessUsable(error: unknown, context: StepContext): Promise<void> {
    context.signal.throwIfAborted();
    if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_VM_RESTORE') throw error;
    await this.#discard(error.message, context);
  }

  async #discard(because: string, context: StepContext): Promise<void> {
    const { driver, notice, record, startsAgain } = this.#options;
    notice(savedIsDiscarded(because));
    await driver.powerOff(context);
    startsAgain();
    await record.remove();
  }

  /** A start failed or was interrupted after the guest was resumed. */
  async #saveAgain(): Promise<void> {
    const { driver, logger } = this.#options;
    const context = { signal: timeLimit(SAVE_AGAIN_MS), progress: () => undefined };
    try {
      await driver.save(context);
      await this.#noteSaved();
    } catch (error) {
      logger.warn('vm.resave.failed', { reason: textOf(error) });
      await this.#stop(context);
    }
  }

  async #engineAnswers({ progress, signal }: StepContext): Promise<boolean> {
    const { driver, pingEngine } = this.#options;
    progress('waiting for its engine');
    let isOver = false;
    try {
      await waitFor(
        {
          title: 'the engine of the resumed VM',
          hint: '',
          timeoutSeconds: ANSWER_SECONDS,
          everyMs: 100,
          giveUp: () => {
            if (isOver) throw new MobyvmError('MOBYVM_VM_DIED', 'The resumed VM has ended.', '');
          },
          check: async (either) => {
            try {
              await pingEngine(timeLimit(PING_MS, either));
              return true;
            } catch (error) {
              isOver = (await driver.state(either)) !== 'running';
              throw error;
            }
          },
        },
        signal,
      );
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  async #given(): Promise<GuestRecord | undefined> {
    const { logger, record } = this.#options;
    try {
      return await record.read();
    } catch (error) {
      logger.warn('guest.record.unreadable', { reason: textOf(error) });
      return undefined;
    }
  }

  async #noteSaved(): Promise<void> {
    const known = await this.#given();
    if (known === undefined) return;
    const bytes = await this.#options.driver.savedBytes();
    const { namespace } = this.#options;
    await this.#write({ ...known, saved: { at: new Date().toISOString(), bytes, namespace } });
  }

  async #noteRunning(): Promise<void> {
    const known = await this.#given();
    if (known !== undefined) await this.#write({ ...known, saved: undefined });
  }

  /** Without it the next start boots: no reason to fail. */
  async #write(known: GuestRecord): Promise<void> {
    const { logger, record } = this.#options;
    await record.write(known).catch((error: unknown) => {
      logger.warn('guest.record.unwritten', { reason: textOf(error) });
    });
  }
}
