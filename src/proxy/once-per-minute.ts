const MINUTE_MS = 60_000;

/**
 * Lets one event per key and minute through, so that a guest cannot flood the log. Remembers at most
 * `maxKeys` keys; while all of them are less than a minute old, events with other keys are suppressed.
 */
export class OncePerMinute {
  readonly #lastMs = new Map<string, number>();
  readonly #maxKeys: number;

  constructor(maxKeys = 256) {
    this.#maxKeys = maxKeys;
  }

  allows(key: string, nowMs: number): boolean {
    const lastMs = this.#lastMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < MINUTE_MS) return false;
    this.#lastMs.delete(key);
    if (this.#lastMs.size >= this.#maxKeys) this.#forget(nowMs);
    if (this.#lastMs.size >= this.#maxKeys) return false;
    this.#lastMs.set(key, nowMs);
    return true;
  }

  /** The map is in the order of the last event, oldest first. */
  #forget(nowMs: number): void {
    for (const [key, lastMs] of this.#lastMs) {
      if (nowMs - lastMs < MINUTE_MS) return;
      this.#lastMs.delete(key);
    }
  }
}
