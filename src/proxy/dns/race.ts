import { joinHostPort } from '../endpoint.js';
import type { AskResult } from './ask-upstream.js';
import { Rcode } from './dns-constants.js';
import type { DnsMessage } from './message.codec.js';
import { ANSWER_WITHIN_MS, type Attempt } from './upstreams.plan.js';

export interface RaceOptions {
  readonly attempts: readonly Attempt[];
  /** Asks one upstream until it answers, fails or the signal is aborted. */
  ask(attempt: Attempt, signal: AbortSignal): Promise<AskResult>;
  /** Called for each attempt that starts, answers, fails, or loses the race after a fair time to answer. */
  report(attempt: Attempt, outcome: Outcome): void;
  readonly signal: AbortSignal;
}

export type Outcome =
  | { readonly kind: 'started' }
  | { readonly kind: 'answered'; readonly afterMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** An attempt that loses the race earlier than this has not failed. */
const FAIR_TIME_MS = 250;

/** NXDOMAIN is an answer. These may be the problem of one server only, so the next one is asked. */
const SERVER_PROBLEMS: readonly number[] = [
  Rcode.formatError,
  Rcode.serverFailure,
  Rcode.notImplemented,
  Rcode.refused,
];

/**
 * Runs the attempts at their times; the first usable answer wins and cancels the others. An attempt that
 * fails brings the next one forward. If no answer is usable, the first of the others (SERVFAIL, REFUSED …) is
 * better than none.
 * @returns undefined if nobody answered in time
 */
export function race(options: RaceOptions): Promise<DnsMessage | undefined> {
  return new Promise((resolve) => new Race(options, resolve).start());
}

class Race {
  readonly #options: RaceOptions;
  readonly #resolve: (answer: DnsMessage | undefined) => void;
  readonly #cancel = new AbortController();
  readonly #running = new Map<Attempt, number>();
  readonly #done = new Set<string>();
  readonly #startedMs = performance.now();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #fallback: DnsMessage | undefined;
  readonly #onAbort = (): void => this.#finish(undefined);

  constructor(options: RaceOptions, resolve: (answer: DnsMessage | undefined) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    this.#deadline = setTimeout(() => this.#finish(this.#fallback), ANSWER_WITHIN_MS);
    this.#options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#options.signal.aborted) return this.#finish(undefined);
    this.#startNext();
  }

  #startNext(): void {
    clearTimeout(this.#timer);
    const attempt = this.#options.attempts[this.#next];
    // A server that answered or failed is not asked again; a silent one may have lost our packet.
    if (attempt !== undefined && this.#done.has(keyOf(attempt))) {
      this.#next += 1;
      return this.#startNext();
    }
    if (attempt === undefined) {
      if (this.#running.size === 0) this.#finish(this.#fallback);
      return;
    }
    this.#next += 1;
    this.#running.set(attempt, performance.now());
    this.#options.report(attempt, { kind: 'started' });
    void this.#options.ask(attempt, this.#cancel.signal).then((result) => this.#settle(attempt, result));
    this.#schedule();
  }

  #schedule(): void {
    const following = this.#options.attempts[this.#next];
    if (following === undefined) return;
    const waitMs = following.afterMs - (performance.now() - this.#startedMs);
    this.#timer = setTimeout(() => this.#startNext(), Math.max(0, waitMs));
  }

  #settle(attempt: Attempt, result: AskResult): void {
    const sinceMs = this.#running.get(attempt);
    if (this.#cancel.signal.aborted || sinceMs === undefined) return;
    this.#running.delete(attempt);
    if (result.kind === 'answer') {
      this.#options.report(attempt, { kind: 'answered', afterMs: performance.now() - sinceMs });
      if (!SERVER_PROBLEMS.includes(result.answer.header.rcode)) return this.#finish(result.answer);
      this.#fallback ??= result.answer;
    } else {
      this.#options.report(attempt, { kind: 'failed', reason: result.reason });
    }
    this.#done.add(keyOf(attempt));
    // While other servers may still answer, a repeat is not brought forward.
    const following = this.#options.attempts[this.#next];
    if (this.#running.size === 0 || following?.isRepeat === false) this.#startNext();
  }

  #finish(answer: DnsMessage | undefined): void {
    if (this.#cancel.signal.aborted) return;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#cancel.abort();
    const nowMs = performance.now();
    for (const [attempt, sinceMs] of this.#running) {
      if (!this.#options.signal.aborted && nowMs - sinceMs >= FAIR_TIME_MS) {
        this.#options.report(attempt, { kind: 'failed', reason: 'no answer' });
      }
    }
    this.#resolve(answer);
  }
}

function keyOf({ endpoint }: Attempt): string {
  return joinHostPort(endpoint.address, endpoint.port);
}
