import { sleep, type EnsureContext } from '../../core/host/index.js';
import type { MachineParts } from './machine-parts.js';

/** How long `up` waits for the clock to be set. A failure is logged, and the health check tries again. */
const CLOCK_MS = 3_000;

type Version = Awaited<ReturnType<MachineParts['engine']['version']>>;

/** What a guest that runs on is asked: all at the same time, because an emulated guest takes seconds for each. */
export class ResumedGuest {
  readonly #parts: Pick<MachineParts, 'engine' | 'guest' | 'shares'>;
  #clock: Promise<unknown> | undefined;

  constructor(parts: Pick<MachineParts, 'engine' | 'guest' | 'shares'>) {
    this.#parts = parts;
  }

  get hasBegun(): boolean {
    return this.#clock !== undefined;
  }

  /** @param onEngine called once the engine answers, unless the start fails before */
  begin({ onFailure, signal }: EnsureContext, onEngine: (version: Version) => void): void {
    const { engine, guest, shares } = this.#parts;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    onFailure(() => {
      over.abort();
      guest.unfollow();
      return Promise.resolve();
    });
    guest.follow();
    // It stopped when the guest was saved.
    this.#clock = guest.syncClock({ reason: 'resumed' }, either);
    shares.vmReady();
    void engine.version(either).then(
      (version) => {
        if (!either.aborted) onEngine(version);
      },
      // The step that waits for the engine asks again, and says what is wrong.
      () => undefined,
    );
  }

  async clockIsSet(): Promise<void> {
    await Promise.race([this.#clock, sleep(CLOCK_MS)]);
  }
}
