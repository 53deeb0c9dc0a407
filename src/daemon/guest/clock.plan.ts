import { MOST_ADJUSTED_MS, type ClockMeasurement } from '../../kvp/index.js';

/** Why the guest's clock is looked at. */
export type ClockOccasion =
  /** The VM was booted or adopted, or was restored or resumed: its clock may have stopped meanwhile. */
  | { readonly reason: 'started' | 'resumed' }
  /** A health check. `engineOffsetMs` is how far the engine's clock is ahead of the host's, by its last answer. */
  | { readonly reason: 'checked'; readonly engineOffsetMs: number | undefined };

export interface ClockHistory {
  /** A start or a resume whose time has not reached the guest yet. */
  readonly isPending: boolean;
  /** Since the last attempt, whatever came of it; undefined before the first. */
  readonly sinceAttemptMs: number | undefined;
}

/** The Date of an HTTP answer has whole seconds (RFC 9110 §5.6.7), so less than this may be nothing at all. */
export const TOLERATED_OFFSET_MS = 2_000;

/** Not more often than this, except after a resume. */
export const SYNC_EVERY_MS = 30_000;

/** A clock drifts, and a host that slept for a second leaves no trace in whole seconds. */
export const COMPARE_EVERY_MS = 300_000;

/** Is the host's time to be sent now? */
export function isClockSyncDue(
  occasion: ClockOccasion,
  { isPending, sinceAttemptMs }: ClockHistory,
): boolean {
  if (occasion.reason !== 'checked') return true;
  if (sinceAttemptMs !== undefined && sinceAttemptMs < SYNC_EVERY_MS) return false;
  return (
    isPending ||
    (sinceAttemptMs !== undefined && sinceAttemptMs >= COMPARE_EVERY_MS) ||
    Math.abs(occasion.engineOffsetMs ?? 0) > TOLERATED_OFFSET_MS
  );
}

/** Containers compare times of files and tokens: a twentieth of a second is nothing to them. */
export const GOOD_OFFSET_MS = 50;

/** Of a host that was held up while it wrote: the measurement says nothing. */
const MOST_UNCERTAIN_MS = 250;

/** By how many milliseconds the guest's clock is to be moved; undefined if it is right, or nobody knows. */
export function correctionFor({ offsetMs, uncertaintyMs }: ClockMeasurement): number | undefined {
  const tolerated = Math.max(GOOD_OFFSET_MS, uncertaintyMs);
  const size = Math.abs(offsetMs);
  if (uncertaintyMs > MOST_UNCERTAIN_MS || size <= tolerated || size > MOST_ADJUSTED_MS) return undefined;
  return -Math.round(offsetMs);
}
