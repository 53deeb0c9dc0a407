import { describe, expect, test } from 'vitest';
import { MobyvmError } from '../../../src/core/values/index.js';
import type { OperationEvent } from '../../../src/daemon/machine/operation.js';
import { OperationRunner, type OperationOutcome } from '../../../src/daemon/machine/operation-runner.js';

const FIRST = { pid: 11, command: 'mobyvm up' };
const SECOND = { pid: 22, command: 'mobyvm up --netns x' };

function runner() {
  const outcomes: OperationOutcome[] = [];
  return {
    outcomes,
    runner: new OperationRunner(
      {
        begun: () => Promise.resolve(),
        event: () => undefined,
        ended: (outcome) => Promise.resolve(void outcomes.push(outcome)),
      },
      () => 0,
    ),
  };
}

/** Work that lasts until it is released or aborted. */
function heldWork() {
  const gate = new AbortController();
  return {
    release: () => gate.abort(),
    work: ({ signal }: { signal: AbortSignal }) =>
      new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        gate.signal.addEventListener('abort', () => resolve());
        if (gate.signal.aborted) resolve();
      }),
  };
}

function names(events: readonly OperationEvent[]): string[] {
  return events.map((event) => event.event);
}

describe('operations', () => {
  test('a second up joins the first and sees the steps that it missed', async () => {
    const { runner: operations } = runner();
    const { release, work } = heldWork();
    const first: OperationEvent[] = [];
    const second: OperationEvent[] = [];
    const running = operations.run(
      'up',
      FIRST,
      async (context) => {
        context.emit({ event: 'step.started', step: 'vm', title: 'VM' });
        await work(context);
      },
      (event) => first.push(event),
    );
    await new Promise(setImmediate);
    const joined = operations.run(
      'up',
      SECOND,
      () => Promise.reject(new TypeError('ran twice')),
      (e) => second.push(e),
    );
    release();
    await Promise.all([running, joined]);
    expect(names(first)).toEqual(['step.started', 'operation.done']);
    expect(second[0]).toEqual({ event: 'operation.joined', operation: 'up', requester: FIRST });
    expect(names(second)).toEqual(['operation.joined', 'step.started', 'operation.done']);
  });

  test('a client that joins sees the result of each step, but not all of its progress', async () => {
    const { runner: operations } = runner();
    const { release, work } = heldWork();
    const second: OperationEvent[] = [];
    const running = operations.run(
      'up',
      FIRST,
      async (context) => {
        const of = { step: 'forwarding', title: 'forwarding', durationMs: 1, change: 'update' as const };
        context.emit({ event: 'step.started', ...of });
        for (const detail of ['looking', 'it was off and is on now'])
          context.emit({ event: 'step.progress', step: 'forwarding', detail });
        context.emit({ event: 'step.done', ...of });
        context.emit({ event: 'step.started', step: 'vm', title: 'VM' });
        await work(context);
      },
      () => undefined,
    );
    await new Promise(setImmediate);
    const joined = operations.run('up', SECOND, work, (event) => second.push(event));
    release();
    await Promise.all([running, joined]);
    expect(second.filter(({ event }) => event === 'step.progress')).toEqual([
      { event: 'step.progress', step: 'forwarding', detail: 'it was off and is on now' },
    ]);
  });

  test('down aborts a start, waits for its end, and then runs', async () => {
    const { runner: operations, outcomes } = runner();
    const { work } = heldWork();
    const first: OperationEvent[] = [];
    const second: OperationEvent[] = [];
    const running = operations.run('up', FIRST, work, (event) => first.push(event));
    await operations.run(
      'down',
      SECOND,
      () => Promise.resolve(),
      (event) => second.push(event),
    );
    await running;
    const by = `"mobyvm up" was interrupted by "${SECOND.command}" (pid 22); its changes were undone.`;
    expect(first.at(-1)).toMatchObject({
      event: 'operation.failed',
      error: { code: 'MOBYVM_ABORTED', message: by },
    });
    expect(names(second)).toEqual(['operation.waiting', 'operation.done']);
    expect(outcomes).toEqual([
      expect.objectContaining({ name: 'up', cancelled: true }),
      { name: 'down', cancelled: false },
    ]);
  });

  test('up during down is refused and names what is in progress', async () => {
    const { runner: operations } = runner();
    const { release, work } = heldWork();
    const events: OperationEvent[] = [];
    const running = operations.run('down', FIRST, work, () => undefined);
    await operations.run(
      'up',
      SECOND,
      () => Promise.resolve(),
      (event) => events.push(event),
    );
    expect(events).toEqual([expect.objectContaining({ event: 'operation.failed', operation: 'up' })]);
    expect(events[0]).toMatchObject({ error: { code: 'MOBYVM_BUSY', details: { pid: 11 } } });
    release();
    await running;
  });

  test('a failure is the last event and carries code and remedy', async () => {
    const { runner: operations } = runner();
    const events: OperationEvent[] = [];
    await operations.run(
      'up',
      FIRST,
      () => Promise.reject(new MobyvmError('MOBYVM_NO_LEASE', 'no lease', 'look')),
      (event) => events.push(event),
    );
    expect(events).toEqual([
      {
        event: 'operation.failed',
        operation: 'up',
        durationMs: 0,
        error: { code: 'MOBYVM_NO_LEASE', message: 'no lease', remedy: 'look', details: {} },
      },
    ]);
    expect(operations.current).toBeUndefined();
  });

  test('cancel without an operation says so', async () => {
    expect(await runner().runner.cancel()).toBe(false);
  });
});
