import { expect, test } from 'vitest';
import {
  correctionFor,
  isClockSyncDue,
  type ClockOccasion,
} from '../../../../src/daemon/guest/clock.plan.js';

const checked = (engineOffsetMs?: number): ClockOccasion => ({ reason: 'checked', engineOffsetMs });

interface Case {
  readonly when: string;
  readonly occasion: ClockOccasion;
  readonly isPending?: boolean;
  readonly sinceAttemptMs?: number;
  readonly isDue: boolean;
}

test.each<Case>([
  { when: 'at a start', occasion: { reason: 'started' }, isDue: true },
  { when: 'at a resume, however soon', occasion: { reason: 'resumed' }, sinceAttemptMs: 1, isDue: true },
  { when: 'not for an offset that whole seconds explain', occasion: checked(2_000), isDue: false },
  { when: 'when the engine is ahead by more than 2 s', occasion: checked(2_001), isDue: true },
  { when: 'when the engine is behind by more than 2 s', occasion: checked(-2_001), isDue: true },
  {
    when: 'not within five minutes if all is well',
    occasion: checked(0),
    sinceAttemptMs: 299_999,
    isDue: false,
  },
  { when: 'after five minutes in any case', occasion: checked(0), sinceAttemptMs: 300_000, isDue: true },
  { when: 'not when the engine told no time', occasion: checked(), isDue: false },
  { when: 'at most every 30 s', occasion: checked(3_600_000), sinceAttemptMs: 29_999, isDue: false },
  { when: 'again after 30 s', occasion: checked(3_600_000), sinceAttemptMs: 30_000, isDue: true },
  {
    when: 'not soon after a start that failed',
    occasion: checked(),
    isPending: true,
    sinceAttemptMs: 29_999,
    isDue: false,
  },
  {
    when: 'later after a start that failed',
    occasion: checked(),
    isPending: true,
    sinceAttemptMs: 30_000,
    isDue: true,
  },
])('the time is sent $when', ({ occasion, isPending = false, sinceAttemptMs, isDue }) => {
  expect(isClockSyncDue(occasion, { isPending, sinceAttemptMs })).toBe(isDue);
});

test.each<[string, number, number, number | undefined]>([
  ['a clock that is right', 50, 10, undefined],
  ['an offset that the measurement explains', 120, 120, undefined],
  ['a clock that is ahead', 120.4, 20, -120],
  ['a clock that is behind', -1_999.6, 20, 2_000],
  ['a measurement that took too long', 900, 251, undefined],
  ['what only the host’s time can set', 2_001, 20, undefined],
])('%s: %d ± %d ms are corrected by %s', (_what, offsetMs, uncertaintyMs, correction) => {
  expect(correctionFor({ offsetMs, uncertaintyMs })).toBe(correction);
});
