/** Both clocks of the host at one moment, in milliseconds. */
export interface ClockReading {
  /** The time of day: runs while the host sleeps, and jumps when it is set. */
  readonly wallMs: number;
  /** `performance.now()`: never jumps. On Linux it stops while the host sleeps, on Windows it may not. */
  readonly monotonicMs: number;
}

export type ClockGap =
  /** The host slept, or its clock was set: the guest's clock is wrong either way. */
  | { readonly kind: 'clock'; readonly ms: number }
  /** Both clocks ran, this process did not: the host slept with its monotonic clock running, or the process was stopped. */
  | { readonly kind: 'pause'; readonly ms: number };

/** Slewing moves a clock by half a millisecond a second, and two readings that are one moment are rarely 100 ms apart. */
export const CLOCK_GAP_MS = 500;
/** Far longer than anything that keeps the event loop busy. */
export const PAUSE_GAP_MS = 30_000;

/** What happened between two readings that were to be `everyMs` apart; undefined if nothing did, however busy the process was. */
export function clockGap(before: ClockReading, now: ClockReading, everyMs: number): ClockGap | undefined {
  const monotonicMs = now.monotonicMs - before.monotonicMs;
  const stepMs = now.wallMs - before.wallMs - monotonicMs;
  if (Math.abs(stepMs) >= CLOCK_GAP_MS) return { kind: 'clock', ms: Math.round(stepMs) };
  const lateMs = monotonicMs - everyMs;
  return lateMs >= PAUSE_GAP_MS ? { kind: 'pause', ms: Math.round(lateMs) } : undefined;
}
