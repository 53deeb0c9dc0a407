import { expect, test } from 'vitest';
import { clockGap, type ClockGap } from '../../../src/daemon/clock-gap.plan.js';

const BEFORE = { wallMs: 1_800_000_000_000, monotonicMs: 40_000 };

test.each<{
  readonly what: string;
  readonly wall: number;
  readonly monotonic: number;
  readonly gap?: ClockGap;
}>([
  { what: 'nothing happens', wall: 2_000, monotonic: 2_000 },
  { what: 'the event loop is busy for 20 s', wall: 22_000, monotonic: 22_000 },
  { what: 'NTP slews the clock', wall: 2_001, monotonic: 2_000 },
  {
    what: 'Linux sleeps for an hour: its monotonic clock stops',
    ...{ wall: 3_602_000, monotonic: 2_000, gap: { kind: 'clock', ms: 3_600_000 } },
  },
  {
    what: 'the host sleeps for one second',
    ...{ wall: 3_000, monotonic: 2_000, gap: { kind: 'clock', ms: 1_000 } },
  },
  {
    what: 'Windows sleeps for an hour: its monotonic clock runs',
    ...{ wall: 3_602_000, monotonic: 3_602_000, gap: { kind: 'pause', ms: 3_600_000 } },
  },
  {
    what: 'the clock is set back by a minute',
    ...{ wall: -58_000, monotonic: 2_000, gap: { kind: 'clock', ms: -60_000 } },
  },
])('$what', ({ wall, monotonic, gap }) => {
  const now = { wallMs: BEFORE.wallMs + wall, monotonicMs: BEFORE.monotonicMs + monotonic };
  expect(clockGap(BEFORE, now, 2_000)).toEqual(gap);
});
