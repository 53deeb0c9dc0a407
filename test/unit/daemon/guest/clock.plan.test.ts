import { expect, test } from 'vitest';
import { isClockSyncDue, type ClockOccasion } from '../../../../src/daemon/guest/clock.plan.js';

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
