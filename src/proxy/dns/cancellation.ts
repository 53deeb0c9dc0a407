/**
 * Signals that the result of a query is no longer wanted. An AbortSignal would do, but there are
 * several for each query and thousands of queries on one of them, and it searches a list for each listener.
 */
export class Cancellation {
  readonly #listeners = new Set<() => void>();
  #isCancelled = false;

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Repeatable. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  /** The same function is added once. Never called if already cancelled: ask first. */
  add(listener: () => void): void {
    this.#listeners.add(listener);
  }

  delete(listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
