/** Counts up to a limit. */
export class BoundedCounter {
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** False at the limit; otherwise a `decrement` must follow. */
  tryIncrement(): boolean {
    if (this.#count >= this.#limit) return false;
    this.#count += 1;
    return true;
  }

  decrement(): void {
    this.#count -= 1;
  }
}
