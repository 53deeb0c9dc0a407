import type { AskResult } from './ask-result.js';
import { ANSWER_WITHIN_MS, type Attempt } from './ask-schedule.plan.js';
import { Rcode } from './dns-constants.js';
import { endpointText } from './dns-endpoint.js';
import { decodeHeader } from './header.codec.js';

export interface RaceOptions {
  readonly attempts: readonly Attempt[];
  /** Asks one upstream until it answers, fails or the signal is aborted. */
  ask(attempt: Attempt, signal: AbortSignal): Promise<AskResult>;
  /** Called for each attempt that answered, failed, or was overtaken after it had its fair time. */
  report(attempt: Attempt, outcome: Outcome): void;
  readonly signal: AbortSignal;
}

export type Outcome =
  | { readonly kind: 'started' }
  | { readonly kind: 'answered'; readonly afterMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** An attempt that is overtaken sooner than this has not failed. */
const FAIR_TIME_MS = 250;

/**
 * Runs the attempts at their times; the first usable answer wins and ends the others. An attempt that fails brings
 * the next one forward. When no answer is usable, the first of the others (SERVFAIL, REFUSED …) is better than none.
 * @returns undefined when nobody answered in time
 */
export function race(options: RaceOptions): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => new Race(options, resolve).start());
}

class Race {
  readonly #options: RaceOptions;
  readonly #resolve: (answer: Uint8Array | undefined) => void;
  readonly #cancel = new AbortController();
  readonly #running = new Map<Attempt, number>();
  readonly #done = new Set<string>();
  readonly #startedMs = performance.now();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #fallback: Uint8Array | undefined;
  readonly #onAbort = (): void => this.#finish(undefined);

  constructor(options: RaceOptions, resolve: (answer: Uint8Array | undefined) => void) {
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
    // Who has said no is not asked again; who is silent may have lost our packet.
    if (attempt !== undefined && this.#done.has(endpointText(attempt.endpoint))) {
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
      if (isUsable(result.bytes)) return this.#finish(result.bytes);
      this.#fallback ??= result.bytes;
    } else {
      this.#options.report(attempt, { kind: 'failed', reason: result.reason });
    }
    this.#done.add(endpointText(attempt.endpoint));
    // While others are being asked, a repeat keeps its time: they may be about to answer.
    const following = this.#options.attempts[this.#next];
    if (this.#running.size === 0 || following?.isRepeat === false) this.#startNext();
  }

  #finish(answer: Uint8Array | undefined): void {
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

/** NXDOMAIN is an answer. The others may be the trouble of one server only, so the next one is asked. */
function isUsable(answer: Uint8Array): boolean {
  const { rcode } = decodeHeader(answer);
  const troubles: readonly number[] = [
    Rcode.formatError,
    Rcode.serverFailure,
    Rcode.notImplemented,
    Rcode.refused,
  ];
  return !troubles.includes(rcode);
}
