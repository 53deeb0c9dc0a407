/** How many may wait, and for how many milliseconds. */
const MAX_QUEUE = 64;
const QUEUE_MS = 2_000;

/**
 * Limits concurrency. At the limit, callers wait in order, in a queue of bounded length and for a bounded
 * time.
 * INVARIANT: nobody waits while a permit is free.
 */
export class Semaphore {
  readonly #limit: number;
  readonly #queue: ((isAcquired: boolean) => void)[] = [];
  #acquired = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get acquired(): number {
    return this.#acquired;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * True if a permit was acquired, without a promise if one was free; `release` must follow. False if the
   * queue is full, the time limit passes or the signal is aborted.
   */
  acquire(signal: AbortSignal): boolean | Promise<boolean> {
    if (this.#acquired < this.#limit) {
      this.#acquired += 1;
      return true;
    }
    if (this.#queue.length >= MAX_QUEUE) return false;
    return new Promise((resolve) => {
      const giveUp = (): void => settle(false);
      const timer = setTimeout(giveUp, QUEUE_MS);
      const settle = (isAcquired: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        const at = this.#queue.indexOf(settle);
        if (at !== -1) this.#queue.splice(at, 1);
        resolve(isAcquired);
      };
      signal.addEventListener('abort', giveUp);
      this.#queue.push(settle);
    });
  }

  release(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#acquired -= 1;
    else next(true);
  }
}
