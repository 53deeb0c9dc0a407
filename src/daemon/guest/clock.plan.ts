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

/** Is the host's time to be sent now? */
export function isClockSyncDue(
  occasion: ClockOccasion,
  { isPending, sinceAttemptMs }: ClockHistory,
): boolean {
  if (occasion.reason !== 'checked') return true;
  if (sinceAttemptMs !== undefined && sinceAttemptMs < SYNC_EVERY_MS) return false;
  return isPending || Math.abs(occasion.engineOffsetMs ?? 0) > TOLERATED_OFFSET_MS;
}
