import { joinHostPort, type Endpoint } from '../endpoint.js';
import type { AskResult } from './ask-upstream.js';
import { Cancellation } from './cancellation.js';
import { SERVER_PROBLEMS } from './dns-constants.js';
import type { DnsMessage } from './message.codec.js';
import type { Attempt, Transport } from './upstreams.plan.js';

export interface RaceOptions {
  readonly attempts: readonly Attempt[];
  readonly withinMs: number;
  /** Asks one upstream until it answers, fails or is cancelled. */
  ask(attempt: Attempt, cancellation: Cancellation): Promise<AskResult>;
  /** Called for each attempt that starts, answers, fails, or loses the race after a fair time to answer. */
  report(attempt: Attempt, outcome: Outcome): void;
  /** Ends the race without an answer. */
  readonly cancellation: Cancellation;
}

export type Outcome =
  | { readonly kind: 'started' }
  | { readonly kind: 'answered'; readonly afterMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** An attempt that loses the race earlier than this has not failed. */
const FAIR_TIME_MS = 250;

export interface Won {
  readonly answer: DnsMessage;
  readonly endpoint: Endpoint;
}

/**
 * Runs the attempts at their times; the first usable answer wins and cancels the others. An attempt that
 * fails brings the next one forward. If no answer is usable, the first of the others (SERVFAIL, REFUSED …) is
 * better than none.
 * @returns undefined if nobody answered in time
 */
export function race(options: RaceOptions): Promise<Won | undefined> {
  return new Promise((resolve) => new Race(options, resolve).start());
}

class Race {
  readonly #options: RaceOptions;
  readonly #resolve: (won: Won | undefined) => void;
  readonly #cancellation = new Cancellation();
  readonly #running = new Map<Attempt, number>();
  readonly #done = new Set<string>();
  readonly #startedMs = performance.now();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #fallback: Won | undefined;
  readonly #onCancel = (): void => this.#finish(undefined);

  constructor(options: RaceOptions, resolve: (won: Won | undefined) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    this.#deadline = setTimeout(() => this.#finish(this.#fallback), this.#options.withinMs);
    const { cancellation } = this.#options;
    cancellation.add(this.#onCancel);
    if (cancellation.isCancelled) return this.#finish(undefined);
    this.#startNext();
  }

  #startNext(): void {
    clearTimeout(this.#timer);
    const attempt = this.#options.attempts[this.#next];
    // A server that answered or failed is not asked the same way again; a silent one may have lost our packet.
    if (attempt !== undefined && this.#done.has(keyOf(attempt, attempt.transport))) {
      this.#next += 1;
      return this.#running.size === 0 ? this.#startNext() : this.#schedule();
    }
    if (attempt === undefined) {
      if (this.#running.size === 0) this.#finish(this.#fallback);
      return;
    }
    this.#next += 1;
    this.#running.set(attempt, performance.now());
    this.#options.report(attempt, { kind: 'started' });
    void this.#options.ask(attempt, this.#cancellation).then((result) => this.#settle(attempt, result));
    this.#schedule();
  }

  /** Attempts without a start time begin when all others have ended. */
  #schedule(): void {
    const following = this.#options.attempts[this.#next];
    if (following?.afterMs === undefined) return;
    const waitMs = following.afterMs - (performance.now() - this.#startedMs);
    this.#timer = setTimeout(() => this.#startNext(), Math.max(0, waitMs));
  }

  #settle(attempt: Attempt, result: AskResult): void {
    const sinceMs = this.#running.get(attempt);
    if (this.#cancellation.isCancelled || sinceMs === undefined) return;
    this.#running.delete(attempt);
    if (result.kind === 'answer') {
      this.#options.report(attempt, { kind: 'answered', afterMs: performance.now() - sinceMs });
      const won = { answer: result.answer, endpoint: attempt.endpoint };
      if (!SERVER_PROBLEMS.includes(result.answer.header.rcode)) return this.#finish(won);
      this.#fallback ??= won;
      this.#done.add(keyOf(attempt, 'udp')).add(keyOf(attempt, 'tcp'));
    } else {
      this.#options.report(attempt, { kind: 'failed', reason: result.reason });
    }
    this.#done.add(keyOf(attempt, attempt.transport));
    // While other servers may still answer, only a server that was not asked yet is brought forward.
    const following = this.#options.attempts[this.#next];
    const isNew = following?.kind === 'first' && following.afterMs !== undefined;
    if (this.#running.size === 0 || isNew) this.#startNext();
  }

  #finish(won: Won | undefined): void {
    if (this.#cancellation.isCancelled) return;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#options.cancellation.delete(this.#onCancel);
    this.#cancellation.cancel();
    const nowMs = performance.now();
    for (const [attempt, sinceMs] of this.#running) {
      const isWinner = attempt.endpoint === won?.endpoint;
      if (!this.#options.cancellation.isCancelled && !isWinner && nowMs - sinceMs >= FAIR_TIME_MS) {
        this.#options.report(attempt, { kind: 'failed', reason: 'no answer' });
      }
    }
    this.#resolve(won);
  }
}

function keyOf({ endpoint }: Attempt, transport: Transport): string {
  return `${transport} ${joinHostPort(endpoint.address, endpoint.port)}`;
}
