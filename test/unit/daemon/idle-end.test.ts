import { expect, test } from 'vitest';
import { untilIdle } from '../../../src/daemon/idle-end.js';

test('a daemon exits after it was idle for long enough, and each use restarts the wait', async () => {
  let looks = 0;
  await untilIdle(() => ++looks !== 2, 30, new AbortController().signal);
  // Idle, used, idle: the third look starts the wait again, so there is a fourth.
  expect(looks).toBeGreaterThanOrEqual(4);
});

test('the idle watch ends quietly when the daemon exits for another reason', async () => {
  const over = new AbortController();
  const watch = untilIdle(() => false, 10, over.signal);
  over.abort();
  await expect(watch).resolves.toBeUndefined();
});
