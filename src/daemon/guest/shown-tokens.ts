/** What connects from the VM shows a token: remembers who showed a wrong one, until the same shows the right one. */
export class ShownTokens {
  readonly #wrong = new Map<string, number>();
  readonly #nowMs: () => number;

  /** @param nowMs milliseconds since 1970 */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param who what connects, for people @returns to be called with whether its token was right */
  by(who: string): (isRight: boolean) => void {
    return (isRight) => {
      if (isRight) this.#wrong.delete(who);
      else this.#wrong.set(who, this.#nowMs());
    };
  }

  /** The latest of those that have not shown the right one since. */
  get wrong(): { readonly who: string; readonly atMs: number } | undefined {
    const [latest] = [...this.#wrong].sort(([, a], [, b]) => b - a);
    return latest && { who: latest[0], atMs: latest[1] };
  }
}
