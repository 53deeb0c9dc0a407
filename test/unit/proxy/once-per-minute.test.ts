import { describe, expect, it } from 'vitest';
import { OncePerMinute } from '../../../src/proxy/once-per-minute.js';

describe('once per minute', () => {
  it('allows a key again after a minute', () => {
    const quiet = new OncePerMinute();
    expect([0, 1, 59_999, 60_000].map((nowMs) => quiet.allows('a', nowMs))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(quiet.allows('b', 60_000)).toBe(true);
  });

  it('suppresses new keys while its table is full of recent ones', () => {
    const quiet = new OncePerMinute(2);
    expect(['a', 'b', 'c'].map((key) => quiet.allows(key, 0))).toEqual([true, true, false]);
    expect(quiet.allows('c', 60_000)).toBe(true);
  });
});
