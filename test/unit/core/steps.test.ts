import { describe, expect, test } from 'vitest';
import {
  runSteps,
  resourceStep,
  type ProgressEvent,
  type Resource,
  type Step,
} from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';
import { describeResource, inThisProcess } from '../../support/resource-contract.js';

/** Adds an element to a set; `breaks` fails half-way, after the effect. */
function thing(id: string, world: Set<string>, breaks?: MobyvmError): Resource<true, true> {
  return {
    id,
    title: `thing ${id}`,
    observe: () => Promise.resolve(world.has(id) ? true : undefined),
    plan: (found) => (found ? { kind: 'none' } : { kind: 'create' }),
    ensure: (_wanted, _found, context) => {
      world.add(id);
      context.onFailure(() => Promise.resolve(void world.delete(id)));
      return breaks === undefined ? Promise.resolve() : Promise.reject(breaks);
    },
    remove: () => Promise.resolve(world.delete(id) ? 'remove' : 'none'),
  };
}

describeResource('a thing in a set', () => {
  const world = new Set<string>();
  const resource = thing('a', world);
  return Promise.resolve(
    inThisProcess({ resource, wanted: true, snapshot: () => Promise.resolve([...world]) }),
  );
});

const broken = new MobyvmError('MOBYVM_VM_START', 'It broke half-way.', 'Fix it.');

async function run(steps: readonly Step[], signal = new AbortController().signal) {
  const events: ProgressEvent[] = [];
  let nowMs = 0;
  const thrown: unknown = await runSteps(steps, {
    emit: (event) => void events.push(event),
    signal,
    nowMs: () => (nowMs += 5),
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { events, thrown, names: events.map(({ event, step }) => `${event} ${step}`) };
}

describe('steps', () => {
  test('run in order and report what each step changed and how long it took', async () => {
    const world = new Set(['a']);
    const { events, thrown } = await run([
      resourceStep(thing('a', world), true),
      resourceStep(thing('b', world), true),
    ]);
    expect(thrown).toBeUndefined();
    expect(events).toEqual([
      { event: 'step.started', step: 'a', title: 'thing a' },
      { event: 'step.done', step: 'a', durationMs: 5, change: 'none' },
      { event: 'step.started', step: 'b', title: 'thing b' },
      { event: 'step.done', step: 'b', durationMs: 5, change: 'create' },
    ]);
  });

  test.each([0, 1, 2, 3])('that fail at step %d leave no change behind', async (at) => {
    const world = new Set(['b']);
    const steps = ['a', 'b', 'c', 'd'].map((id, index) =>
      resourceStep(thing(id, world, index === at && id !== 'b' ? broken : undefined), true),
    );
    const failing: Step = { id: 'x', title: 'x', run: () => Promise.reject(broken) };
    const { thrown } = await run(steps.toSpliced(at + 1, steps.length, failing));
    expect(thrown).toBe(broken);
    expect([...world]).toEqual(['b']);
  });

  test('undo only their own changes, last first, and report it', async () => {
    const world = new Set(['switch']);
    const { thrown, names, events } = await run([
      resourceStep(thing('switch', world), true),
      resourceStep(thing('nat', world), true),
      resourceStep(thing('vm', world), true),
      resourceStep(thing('share', world, broken), true),
    ]);
    expect(thrown).toBe(broken);
    expect([...world]).toEqual(['switch']);
    expect(names.slice(-4)).toEqual([
      'step.failed share',
      'step.undone share',
      'step.undone vm',
      'step.undone nat',
    ]);
    expect(events.find(({ event }) => event === 'step.failed')).toMatchObject({
      error: { code: 'MOBYVM_VM_START', message: 'It broke half-way.', remedy: 'Fix it.' },
    });
  });

  test('continue undoing when an undo fails, and throw the original error first', async () => {
    const world = new Set<string>();
    const stubborn: Step = {
      id: 'stubborn',
      title: 'stubborn',
      run: (context) => {
        context.onFailure(() => Promise.reject(new TypeError('cannot undo')));
        return Promise.resolve('create');
      },
    };
    const { thrown } = await run([
      resourceStep(thing('a', world), true),
      stubborn,
      resourceStep(thing('b', world, broken), true),
    ]);
    expect(thrown).toBeInstanceOf(AggregateError);
    expect((thrown as AggregateError).errors).toEqual([broken, expect.any(TypeError)]);
    expect([...world]).toEqual([]);
  });

  test('that are aborted before they begin do nothing', async () => {
    const world = new Set<string>();
    const { names } = await run([resourceStep(thing('a', world), true)], AbortSignal.abort());
    expect(names).toEqual(['step.started a', 'step.failed a']);
    expect([...world]).toEqual([]);
  });

  test('that are aborted during a step undo that step as well and start no other', async () => {
    const world = new Set<string>();
    const controller = new AbortController();
    const aborting: Step = {
      id: 'aborting',
      title: 'aborting',
      run: (context) => {
        context.onFailure(() => Promise.resolve(void world.delete('half')));
        world.add('half');
        controller.abort();
        return Promise.resolve('create');
      },
    };
    const steps = [resourceStep(thing('a', world), true), aborting, resourceStep(thing('b', world), true)];
    const { names, thrown } = await run(steps, controller.signal);
    expect([...world]).toEqual([]);
    expect(names).not.toContain('step.started b');
    expect(thrown).toBe(controller.signal.reason);
  });

  test('report progress with the id of the step', async () => {
    const talking: Step = {
      id: 'talking',
      title: 'talking',
      run: ({ progress }) => {
        progress('half-way');
        return Promise.resolve('none');
      },
    };
    const { events } = await run([talking]);
    expect(events[1]).toEqual({ event: 'step.progress', step: 'talking', detail: 'half-way' });
  });

  test('treat a step that throws like one that rejects', async () => {
    const world = new Set<string>();
    const { thrown } = await run([
      resourceStep(thing('a', world), true),
      {
        id: 'throws',
        title: 'throws',
        run: () => {
          throw broken;
        },
      },
    ]);
    expect(thrown).toBe(broken);
    expect([...world]).toEqual([]);
  });
});
