import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { timeLimit } from '../../../src/core/host/index.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve((signal.reason as Error).name), { once: true });
  });
}

test('aborts when the time is over', async () => {
  expect(await aborted(timeLimit(1))).toBe('TimeoutError');
  expect(await aborted(timeLimit(1, new AbortController().signal))).toBe('TimeoutError');
  expect(await aborted(timeLimit(0.3))).toBe('TimeoutError');
  expect(await aborted(timeLimit(-5))).toBe('TimeoutError');
});

test('aborts with the given signal, for its reason', async () => {
  const given = new AbortController();
  const limit = timeLimit(600_000, given.signal);
  const reason = aborted(limit);
  given.abort(new RangeError('enough'));
  expect(await reason).toBe('RangeError');
  expect(timeLimit(600_000, given.signal)).toMatchObject({
    aborted: true,
    reason: given.signal.reason as Error,
  });
});

test('aborts after the time although only a signal that follows it is used, and garbage is collected', async () => {
  const followed = (): AbortSignal => AbortSignal.any([timeLimit(100), new AbortController().signal]);
  const reason = aborted(AbortSignal.any([followed(), new AbortController().signal]));
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 20));
  collectGarbage();
  expect(await reason).toBe('TimeoutError');
});
