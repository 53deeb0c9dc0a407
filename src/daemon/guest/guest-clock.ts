import type { Logger } from '../../core/host/index.js';
import { reportOf } from '../../core/values/index.js';
import {
  measureGuestClock,
  syncGuestTime,
  type ClockMeasurement,
  type KvpExchange,
  type TimeAnswer,
} from '../../kvp/index.js';
import { correctionFor, isClockSyncDue, type ClockOccasion } from './clock.plan.js';

export interface GuestClockOptions {
  readonly exchange: KvpExchange;
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** Of a clock that never steps; `performance.now` if absent. */
  readonly monotonicMs?: () => number;
  /** For one request; 20 if absent. */
  readonly timeoutSeconds?: number;
}

/** A measurement can be disturbed by another item that is written at the same time; the next one shows it. */
const MOST_CORRECTIONS = 3;

/** Keeps the guest's clock at the host's time, by requests over the key-value exchange. */
export class GuestClock {
  readonly #options: GuestClockOptions;
  readonly #monotonicMs: () => number;
  #isPending = false;
  #isRunning = false;
  #refining = Promise.resolve();
  #attemptedMs: number | undefined;

  constructor(options: GuestClockOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  /**
   * Sends the time if it is due (clock.plan.ts) and no request is under way. A failure is logged, and tried again at a
   * later check.
   * @returns what the guest did; undefined when nothing was sent, or nothing came of it
   */
  async sync(occasion: ClockOccasion, signal: AbortSignal): Promise<TimeAnswer | undefined> {
    if (occasion.reason !== 'checked') this.#isPending = true;
    const sinceAttemptMs =
      this.#attemptedMs === undefined ? undefined : this.#monotonicMs() - this.#attemptedMs;
    if (this.#isRunning || !isClockSyncDue(occasion, { isPending: this.#isPending, sinceAttemptMs })) {
      return undefined;
    }
    this.#isRunning = true;
    this.#attemptedMs = this.#monotonicMs();
    // A resume while the request is under way makes another one pending.
    this.#isPending = false;
    const { exchange, nowMs, logger, timeoutSeconds = 20 } = this.#options;
    try {
      const answer = await syncGuestTime(exchange, { nowMs, timeoutSeconds, signal, logger });
      if (answer === undefined) logger.debug('guest.clock.unsupported');
      else {
        logger.info('guest.clock.synced', { offsetMs: answer.offsetMs, action: answer.action });
        this.#refining = this.#refining.then(() => this.#refine(signal));
      }
      return answer;
    } catch (error) {
      this.#isPending = true;
      if (!signal.aborted) logger.warn('guest.clock.unsynced', { code: reportOf(error).code });
      return undefined;
    } finally {
      this.#isRunning = false;
    }
  }

  /** Ends when nothing is left to be done to the guest's clock after the last `sync`. */
  get refined(): Promise<void> {
    return this.#refining;
  }

  /** To the last fraction of a second; nobody waits for that. */
  async #refine(signal: AbortSignal): Promise<void> {
    const { exchange, nowMs, logger, timeoutSeconds = 20 } = this.#options;
    const measure = (adjustMs?: number): Promise<ClockMeasurement | undefined> =>
      measureGuestClock(exchange, { nowMs, adjustMs, timeoutSeconds, signal, logger });
    try {
      for (let left = MOST_CORRECTIONS; left > 0; left -= 1) {
        const measured = await measure();
        const adjustMs = measured === undefined ? undefined : correctionFor(measured);
        if (adjustMs === undefined) {
          logger.debug('guest.clock.compared', { ...measured });
          return;
        }
        await measure(adjustMs);
        logger.info('guest.clock.corrected', { ...measured, adjustMs });
      }
    } catch (error) {
      if (!signal.aborted) logger.warn('guest.clock.uncompared', { code: reportOf(error).code });
    }
  }

  /** The guest is gone; the next one starts from nothing. */
  reset(): void {
    this.#isPending = false;
    this.#attemptedMs = undefined;
  }
}
