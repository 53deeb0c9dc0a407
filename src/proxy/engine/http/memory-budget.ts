/** Heads of up to this size are not counted; almost all are. */
export const FREE_HEAD_BYTES = 16 * 1024;
/** As the container lists and creates of most users. */
export const FREE_BODY_BYTES = 64 * 1024;

/**
 * Limits how much memory all connections together use for what is too long to be taken for granted: large
 * heads, and bodies that are parsed.
 */
export class MemoryBudget {
  readonly #limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** False if there is not that much left; otherwise a `giveBack` of the same amount must follow. */
  tryTake(bytes: number): boolean {
    if (this.#taken + bytes > this.#limit) return false;
    this.#taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** A part of a budget that grows, and is given back as a whole. */
export class MemoryShare {
  readonly #budget: MemoryBudget;
  readonly #free: number;
  #taken = 0;

  /** @param free how many bytes are not counted */
  constructor(budget: MemoryBudget, free: number) {
    this.#budget = budget;
    this.#free = free;
  }

  /** Makes the share that large. False if the budget does not allow it. */
  tryGrowTo(bytes: number): boolean {
    const more = bytes - this.#free - this.#taken;
    if (more <= 0) return true;
    if (!this.#budget.tryTake(more)) return false;
    this.#taken += more;
    return true;
  }

  release(): void {
    this.#budget.giveBack(this.#taken);
    this.#taken = 0;
  }
}
