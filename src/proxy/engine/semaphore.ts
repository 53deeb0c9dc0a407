/** How many wait for a place, and for how long, in milliseconds. */
const MAX_QUEUE = 64;
const QUEUE_MS = 2_000;

/**
 * Bounds how much is done at a time. Beyond the limit, a bounded queue waits for a bounded time, in order.
 * INVARIANT: nobody waits while there is a place.
 */
export class Semaphore {
  readonly #limit: number;
  readonly #queue: ((isIn: boolean) => void)[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** True at once, or in time; what entered must leave. Aborting gives the turn to the next one. */
  enter(signal: AbortSignal): boolean | Promise<boolean> {
    if (this.#taken < this.#limit) {
      this.#taken += 1;
      return true;
    }
    if (this.#queue.length >= MAX_QUEUE) return false;
    return new Promise((resolve) => {
      const leaveQueue = (): void => turn(false);
      const timer = setTimeout(leaveQueue, QUEUE_MS);
      const turn = (isIn: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leaveQueue);
        const at = this.#queue.indexOf(turn);
        if (at !== -1) this.#queue.splice(at, 1);
        resolve(isIn);
      };
      signal.addEventListener('abort', leaveQueue);
      this.#queue.push(turn);
    });
  }

  leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#taken -= 1;
    else next(true);
  }
}
