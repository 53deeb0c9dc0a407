import { describe, expect, test } from 'vitest';
import { sleep, waitFor, type Requirement } from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';

const never = new AbortController().signal;
const requirement = (more: Partial<Requirement>): Requirement => ({
  title: 'the moon',
  check: () => Promise.resolve(false),
  timeoutSeconds: 60,
  hint: 'Look up.',
  everyMs: 1,
  ...more,
});

describe('sleep', () => {
  test('ends when the time is up', async () => {
    await sleep(1);
    await sleep(1, never);
  });

  test('rejects with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new MobyvmError('MOBYVM_ABORTED', 'Stop.', '');
    const sleeping = sleep(600_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(sleep(600_000, controller.signal)).rejects.toBe(reason);
  });
});

describe('waitFor', () => {
  test('checks until the condition holds', async () => {
    let checks = 0;
    await waitFor(requirement({ check: () => Promise.resolve((checks += 1) === 3) }), never);
    expect(checks).toBe(3);
  });

  test('treats a check that throws as not fulfilled yet', async () => {
    let checks = 0;
    await waitFor(
      requirement({
        check: () => ((checks += 1) < 3 ? Promise.reject(new TypeError('not yet')) : Promise.resolve(true)),
      }),
      never,
    );
    expect(checks).toBe(3);
  });

  test('reports what it waited for, the last reason and a hint when it times out', async () => {
    const waiting = waitFor(
      requirement({
        timeoutSeconds: 0.02,
        code: 'MOBYVM_NO_LEASE',
        check: () => Promise.reject(new TypeError('no DISCOVER seen')),
      }),
      never,
    );
    await expect(waiting).rejects.toMatchObject({
      code: 'MOBYVM_NO_LEASE',
      message: 'Waited 0.02 s for the moon (no DISCOVER seen).',
      remedy: 'Look up.',
    });
  });

  test('does not give the end of the time as the reason', async () => {
    const check = (signal: AbortSignal): Promise<boolean> => sleep(600_000, signal).then(() => true);
    await expect(waitFor(requirement({ timeoutSeconds: 0.02, check }), never)).rejects.toMatchObject({
      message: 'Waited 0.02 s for the moon.',
    });
  });

  test('uses MOBYVM_TIMEOUT if the requirement has no code', async () => {
    await expect(waitFor(requirement({ timeoutSeconds: 0 }), never)).rejects.toMatchObject({
      code: 'MOBYVM_TIMEOUT',
    });
  });

  test('gives up at once when waiting is pointless', async () => {
    const dead = new MobyvmError('MOBYVM_VM_DIED', 'It died.', 'Look.');
    let checks = 0;
    const waiting = waitFor(
      requirement({
        check: () => Promise.resolve((checks += 1) < 0),
        giveUp: () => {
          if (checks === 2) throw dead;
        },
      }),
      never,
    );
    await expect(waiting).rejects.toBe(dead);
  });

  test('is ended by an abort, even while a check hangs', async () => {
    const controller = new AbortController();
    const waiting = waitFor(
      requirement({
        check: (signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new TypeError('check ended')));
            controller.abort();
          }),
      }),
      controller.signal,
    );
    await expect(waiting).rejects.toBe(controller.signal.reason);
  });

  test('aborts the signal of a hanging check when it times out', async () => {
    const waiting = waitFor(
      requirement({
        timeoutSeconds: 0.02,
        check: (signal) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(new TypeError('hung')))),
      }),
      never,
    );
    await expect(waiting).rejects.toMatchObject({
      code: 'MOBYVM_TIMEOUT',
      message: expect.stringContaining('hung') as string,
    });
  });
});
