import { describe, expect, it, vi } from 'vitest';
import { Semaphore } from '../../../../src/proxy/engine/semaphore.js';

const never = new AbortController().signal;

describe('a bounded number of semaphore', () => {
  it('is given at once as long as there are some, then in order as they come free', async () => {
    const semaphore = new Semaphore(1);
    expect(semaphore.enter(never)).toBe(true);
    const order: string[] = [];
    const second = Promise.resolve(semaphore.enter(never)).then(() => order.push('second'));
    const third = Promise.resolve(semaphore.enter(never)).then(() => order.push('third'));
    semaphore.leave();
    await second;
    expect(order).toEqual(['second']);
    semaphore.leave();
    await third;
    semaphore.leave();
    expect(semaphore).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('has a queue of 64; the next one is told so at once', () => {
    const semaphore = new Semaphore(1);
    for (let count = 0; count < 65; count += 1) void semaphore.enter(new AbortController().signal);
    expect(semaphore.waiting).toBe(64);
    expect(semaphore.enter(never)).toBe(false);
  });

  it('is waited for no longer than two seconds', async () => {
    vi.useFakeTimers();
    try {
      const semaphore = new Semaphore(1);
      void semaphore.enter(never);
      const waiting = semaphore.enter(never);
      vi.advanceTimersByTime(2_000);
      expect(await waiting).toBe(false);
      expect(semaphore.waiting).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not kept for one that has gone', async () => {
    const semaphore = new Semaphore(1);
    void semaphore.enter(never);
    const gone = new AbortController();
    const waiting = semaphore.enter(gone.signal);
    gone.abort();
    expect(await waiting).toBe(false);
    semaphore.leave();
    expect(semaphore.taken).toBe(0);
  });
});
