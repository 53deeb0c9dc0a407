import { expect, test } from 'vitest';
import { isClockSyncDue, type ClockOccasion } from '../../../../src/daemon/guest/clock.plan.js';

const checked = (engineOffsetMs?: number): ClockOccasion => ({ reason: 'checked', engineOffsetMs });

test.each<[string, ClockOccasion, boolean, number | undefined, boolean]>([
  ['at a start', { reason: 'started' }, true, undefined, true],
  ['at a resume, however soon after the last time', { reason: 'resumed' }, true, 1, true],
  ['never for an offset that whole seconds can explain', checked(2_000), false, undefined, false],
  ['when the engine is ahead by more than 2 s', checked(2_001), false, undefined, true],
  ['when the engine is behind by more than 2 s', checked(-2_001), false, undefined, true],
  ['not when the engine told no time', checked(), false, undefined, false],
  ['at most every 30 s', checked(3_600_000), false, 29_999, false],
  ['again after 30 s', checked(3_600_000), false, 30_000, true],
  ['not too soon after a start that failed', checked(), true, 29_999, false],
  ['later after a start that failed', checked(), true, 30_000, true],
])('the time is sent %s', (_when, occasion, isPending, sinceAttemptMs, isDue) => {
  expect(isClockSyncDue(occasion, { isPending, sinceAttemptMs })).toBe(isDue);
});
