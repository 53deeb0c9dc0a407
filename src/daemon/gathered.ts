/**
 * Work that is asked for more often than it is worth doing.
 *
 * INVARIANTS
 * - It runs at most once at a time, and not again before a pause.
 * - What is asked for while it runs is done afterwards: the work may have looked before.
 */
export class Gathered {
  readonly #work: () => Promise<unknown>;
  readonly #pauseMs: number;
  #state: 'idle' | 'busy' | 'asked' | 'closed' = 'idle';
  #timer: NodeJS.Timeout | undefined;

  /** @param work never throws */
  constructor(work: () => Promise<unknown>, pauseMs: number) {
    this.#work = work;
    this.#pauseMs = pauseMs;
  }

  /** Does the work `delayMs` from now, so that what is asked for until then counts once. */
  ask(delayMs: number): void {
    if (this.#state === 'busy') this.#state = 'asked';
    if (this.#state !== 'idle') return;
    this.#state = 'asked';
    this.#timer = setTimeout(() => void this.#run(), delayMs).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#state = 'closed';
  }

  async #run(): Promise<void> {
    this.#state = 'busy';
    await this.#work();
    if (this.#isClosed()) return;
    this.#timer = setTimeout(() => {
      if (this.#state === 'asked') void this.#run();
      else this.#state = 'idle';
    }, this.#pauseMs).unref();
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }
}
