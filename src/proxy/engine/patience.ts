/** Clients send the requests of one command within this time; ten times what `docker` takes on a busy machine. */
const FOLLOW_UP_MS = 2_000;

/**
 * How long requests wait for an engine that is starting. `docker` sends up to three in a row for one command (HEAD
 * /_ping, GET /_ping, its own), and sends the next one after each failure: what follows one that timed out fails at once,
 * so that the command waits in one piece.
 */
export class Patience {
  readonly #waitMs: () => number;
  #lostAtMs = -Infinity;

  /** @param waitMs called for each request */
  constructor(waitMs: () => number) {
    this.#waitMs = waitMs;
  }

  /** Called when a request begins to wait. */
  begin(): Wait {
    const isFollowUp = performance.now() - this.#lostAtMs < FOLLOW_UP_MS;
    const endsAt = performance.now() + (isFollowUp ? 0 : this.#waitMs());
    return {
      leftMs: () => endsAt - performance.now(),
      lose: () => {
        // Clients that ask again and again would keep all others from waiting.
        if (!isFollowUp) this.#lostAtMs = performance.now();
      },
    };
  }
}

export interface Wait {
  leftMs(): number;
  /** The request timed out. */
  lose(): void;
}
