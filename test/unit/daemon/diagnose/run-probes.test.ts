import { expect, test } from 'vitest';
import { MobyvmError } from '../../../../src/core/values/index.js';
import type { Evidence, Probe } from '../../../../src/daemon/diagnose/probe.js';
import { runProbes } from '../../../../src/daemon/diagnose/run-probes.js';

const never = new AbortController().signal;
const options = { totalSeconds: 60, signal: never, nowMs: () => performance.now() };

function probe(
  id: string,
  look: (signal: AbortSignal) => Promise<Evidence>,
  changes: Partial<Probe> = {},
): Probe {
  return { id, title: id, group: 'host', seconds: 30, look, ...changes };
}
const forever = (): Promise<Evidence> => new Promise(() => undefined);

test('each probe has an outcome of its own, in their order', async () => {
  const outcomes = await runProbes(
    [
      probe('text', () => Promise.resolve({ text: 'seen' })),
      probe('absent', () => Promise.resolve({ absent: 'no such file' })),
      probe('broken', () => Promise.reject(new TypeError('odd'))),
      probe('hung', forever, { seconds: 0.05 }),
      probe('dead', () => Promise.reject(new MobyvmError('MOBYVM_DAEMON_NOT_RUNNING', 'No daemon.', 'x'))),
      probe('thrown', () => {
        throw new TypeError('at once');
      }),
    ],
    options,
  );
  expect(outcomes.map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual([
    ['text', 'ok', ''],
    ['absent', 'absent', 'no such file'],
    ['broken', 'failed', 'odd'],
    ['hung', 'late', expect.stringMatching(/^no answer within [\d.]+ s$/)],
    ['dead', 'absent', 'No daemon. (MOBYVM_DAEMON_NOT_RUNNING)'],
    ['thrown', 'failed', 'at once'],
  ]);
  expect(outcomes[0]?.evidence).toEqual({ text: 'seen' });
});

test('a probe that is given up is told so', async () => {
  let given: AbortSignal | undefined;
  await runProbes(
    [
      probe(
        'hung',
        (signal) => {
          given = signal;
          return forever();
        },
        { seconds: 0.05 },
      ),
    ],
    options,
  );
  expect(given?.aborted).toBe(true);
});

test('probes of one lane are made one after the other', async () => {
  let running = 0;
  let most = 0;
  const look = async (): Promise<Evidence> => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return { text: '' };
  };
  await runProbes(
    ['a', 'b', 'c'].map((id) => probe(id, look, { lane: 'powershell' })),
    options,
  );
  expect(most).toBe(1);
});

test('when the time for all is over, what has not begun is late as well', async () => {
  const outcomes = await runProbes(
    ['a', 'b'].map((id) => probe(id, forever, { lane: 'one' })),
    { ...options, totalSeconds: 0.05 },
  );
  expect(outcomes.map(({ verdict }) => verdict)).toEqual(['late', 'late']);
  expect(outcomes[1]?.reason).toBe('not begun: the time for all probes was over');
});

test('Ctrl-C ends it', async () => {
  const interrupt = new AbortController();
  const running = runProbes([probe('hung', forever)], { ...options, signal: interrupt.signal });
  interrupt.abort(new MobyvmError('MOBYVM_ABORTED', 'Interrupted.', ''));
  await expect(running).rejects.toMatchObject({ code: 'MOBYVM_ABORTED' });
});
