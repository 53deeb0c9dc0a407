import { describe, expect, it, vi } from 'vitest';
import { BoundedCounter } from '../../../../src/proxy/engine/bounded-counter.js';
import { Semaphore } from '../../../../src/proxy/engine/semaphore.js';

const never = new AbortController().signal;

describe('a semaphore', () => {
  it('gives permits at once while some are free, then in order as they are released', async () => {
    const semaphore = new Semaphore(1);
    expect(semaphore.acquire(never)).toBe(true);
    const order: string[] = [];
    const second = Promise.resolve(semaphore.acquire(never)).then(() => order.push('second'));
    const third = Promise.resolve(semaphore.acquire(never)).then(() => order.push('third'));
    semaphore.release();
    await second;
    expect(order).toEqual(['second']);
    semaphore.release();
    await third;
    semaphore.release();
    expect(semaphore).toMatchObject({ acquired: 0, waiting: 0 });
  });

  it('lets 64 callers wait and refuses the next one at once', () => {
    const semaphore = new Semaphore(1);
    for (let count = 0; count < 65; count += 1) void semaphore.acquire(new AbortController().signal);
    expect(semaphore.waiting).toBe(64);
    expect(semaphore.acquire(never)).toBe(false);
  });

  it('limits the wait to two seconds', async () => {
    vi.useFakeTimers();
    try {
      const semaphore = new Semaphore(1);
      void semaphore.acquire(never);
      const waiting = semaphore.acquire(never);
      vi.advanceTimersByTime(2_000);
      expect(await waiting).toBe(false);
      expect(semaphore.waiting).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps no permit for a caller that has aborted', async () => {
    const semaphore = new Semaphore(1);
    void semaphore.acquire(never);
    const gone = new AbortController();
    const waiting = semaphore.acquire(gone.signal);
    gone.abort();
    expect(await waiting).toBe(false);
    semaphore.release();
    expect(semaphore.acquired).toBe(0);
  });
});

describe('a bounded counter', () => {
  it('counts up to its limit, and again after a decrement', () => {
    const counter = new BoundedCounter(2);
    expect([counter.tryIncrement(), counter.tryIncrement(), counter.tryIncrement()]).toEqual([
      true,
      true,
      false,
    ]);
    counter.decrement();
    expect(counter.count).toBe(1);
    expect(counter.tryIncrement()).toBe(true);
  });
});
