import { sleep, type Logger } from '../../core/host/index.js';
import { isAbort, textOf } from '../../core/values/index.js';
import type { VmState } from '../driver.js';
import { isLive } from './vm-state.plan.js';

export interface ExitWatchOptions {
  readonly everySeconds: number;
  readonly look: (signal: AbortSignal) => Promise<VmState>;
  readonly logger: Logger;
}

/** Checks a running machine every few seconds until it has ended; `look` handles what it sees. */
export class ExitWatch {
  readonly #options: ExitWatchOptions;
  #running: AbortController | undefined;

  constructor(options: ExitWatchOptions) {
    this.#options = options;
  }

  /** No effect if it is already watching. */
  start(): void {
    if (this.#running !== undefined) return;
    const running = new AbortController();
    this.#running = running;
    void this.#watch(running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { everySeconds, look, logger } = this.#options;
    try {
      for (;;) {
        await sleep(everySeconds * 1_000, signal);
        const state = await look(signal).catch((error: unknown) => {
          if (isAbort(error)) throw error;
          logger.warn('vm.state.unknown', { error: textOf(error) });
          return undefined;
        });
        if (state !== undefined && !isLive(state)) break;
      }
    } catch (error) {
      if (!isAbort(error)) logger.error('vm.unwatched', { error: textOf(error) });
    }
    if (!signal.aborted) this.#running = undefined;
  }
}
