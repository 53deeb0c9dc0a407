/** The listeners for one kind of event. */
export class Listeners<T = void> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Adding the same function twice is allowed. @returns the unsubscribe function */
  add(listener: (value: T) => void): () => void {
    const own = (value: T): void => listener(value);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  emit(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}
