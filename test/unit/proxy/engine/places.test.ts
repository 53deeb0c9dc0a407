import { describe, expect, it, vi } from 'vitest';
import { Places } from '../../../../src/proxy/engine/places.js';

const never = new AbortController().signal;

describe('a bounded number of places', () => {
  it('is given at once as long as there are some, then in order as they come free', async () => {
    const places = new Places(1);
    expect(places.enter(never)).toBe(true);
    const order: string[] = [];
    const second = Promise.resolve(places.enter(never)).then(() => order.push('second'));
    const third = Promise.resolve(places.enter(never)).then(() => order.push('third'));
    places.leave();
    await second;
    expect(order).toEqual(['second']);
    places.leave();
    await third;
    places.leave();
    expect(places).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('has a queue of 64; the next one is told so at once', () => {
    const places = new Places(1);
    for (let count = 0; count < 65; count += 1) void places.enter(new AbortController().signal);
    expect(places.waiting).toBe(64);
    expect(places.enter(never)).toBe(false);
  });

  it('is waited for no longer than two seconds', async () => {
    vi.useFakeTimers();
    try {
      const places = new Places(1);
      void places.enter(never);
      const waiting = places.enter(never);
      vi.advanceTimersByTime(2_000);
      expect(await waiting).toBe(false);
      expect(places.waiting).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not kept for one that has gone', async () => {
    const places = new Places(1);
    void places.enter(never);
    const gone = new AbortController();
    const waiting = places.enter(gone.signal);
    gone.abort();
    expect(await waiting).toBe(false);
    places.leave();
    expect(places.taken).toBe(0);
  });
});
