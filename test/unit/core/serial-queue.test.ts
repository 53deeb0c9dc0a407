import { abortable, SerialQueue } from '../../../src/core/host/index.js';
import { describe, expect, test } from 'vitest';
import { withinSeconds } from '../../../src/kvp/operation-deadline.js';
import { NEVER } from '../../support/kvp-harness.js';

describe('SerialQueue', () => {
  test('runs one task at a time, in order, and continues after a failure', async () => {
    const turns = new SerialQueue();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
      if (name === 'b') throw new TypeError(name);
    };
    const all = ['a', 'b', 'c'].map((name) => turns.run(work(name), NEVER));
    expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('keeps the order when a waiting task is aborted', async () => {
    const turns = new SerialQueue();
    const log: string[] = [];
    let finish = (): void => undefined;
    const first = turns.run(() => new Promise<void>((resolve) => (finish = resolve)), NEVER);
    const controller = new AbortController();
    const second = turns.run(() => Promise.resolve(log.push('second')), controller.signal);
    const third = turns.run(() => Promise.resolve(log.push('third')), NEVER);
    controller.abort();
    await expect(second).rejects.toThrow('aborted');
    expect(log).toEqual([]);
    await Promise.resolve();
    finish();
    await Promise.all([first, third]);
    expect(log).toEqual(['third']);
  });
});

describe('abortable', () => {
  test('settles like the promise, or rejects with the reason', async () => {
    expect(await abortable(Promise.resolve(1), NEVER)).toBe(1);
    const reason = new TypeError('reason');
    await expect(abortable(Promise.resolve(1), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('a deadline', () => {
  test('ends work that takes too long and names it', async () => {
    const never = (signal: AbortSignal): Promise<never> =>
      abortable(new Promise<never>(() => undefined), signal);
    await expect(withinSeconds(0.01, 'Listing items', NEVER, never)).rejects.toMatchObject({
      code: 'MOBYVM_KVP_FAILED',
      message: 'Listing items did not end within 0.01 s.',
    });
  });

  test('passes other failures through', async () => {
    const failing = (): Promise<never> => Promise.reject(new TypeError('x'));
    await expect(withinSeconds(10, 'It', NEVER, failing)).rejects.toThrow(TypeError);
  });
});
