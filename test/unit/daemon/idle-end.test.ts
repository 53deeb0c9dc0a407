import { expect, test } from 'vitest';
import { untilIdle } from '../../../src/daemon/idle-end.js';

test('a daemon that is idle for long enough ends, and one that is used in between starts its wait again', async () => {
  let looks = 0;
  await untilIdle(() => ++looks !== 2, 30, new AbortController().signal);
  // Idle, used, idle: the third look starts the wait again, so there is a fourth.
  expect(looks).toBeGreaterThanOrEqual(4);
});

test('the watch of a daemon that ends for another reason ends quietly', async () => {
  const over = new AbortController();
  const watch = untilIdle(() => false, 10, over.signal);
  over.abort();
  await expect(watch).resolves.toBeUndefined();
});
