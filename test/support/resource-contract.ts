import { describe, expect, test } from 'vitest';
import {
  runSteps,
  resourceStep,
  type RemoveOutcome,
  type Resource,
  type Step,
  type StepOutcome,
} from '../../src/core/host/index.js';
import { MobyvmError, type Change } from '../../src/core/values/index.js';

/**
 * A resource with its wanted state and its environment. The calls are simple enough for the resource to live
 * in another process, for example inside a network namespace; {@link inThisProcess} wraps a resource in this
 * one.
 */
export interface ResourceUnderTest extends AsyncDisposable {
  /** Observes and plans. */
  plan(): Promise<Change['kind']>;
  /** Runs it as a step; resolves to what it changed. */
  ensure(): Promise<StepOutcome>;
  /** Runs it as a step followed by one that fails, so that it is undone. Resolves when undoing is done. */
  ensureThenFail(): Promise<void>;
  remove(): Promise<RemoveOutcome>;
  /** Everything in its environment that the resource may touch, as plain data. */
  snapshot(): Promise<unknown>;
}

/**
 * What holds for every resource. `make` creates a fresh environment in which the prerequisites are met and
 * the resource itself is absent.
 */
export function describeResource(title: string, make: () => Promise<ResourceUnderTest>): void {
  describe(`${title}, as a resource`, () => {
    test('plans a change at first and none right after ensure', async () => {
      await using world = await make();
      expect(await world.plan()).not.toBe('none');
      expect(await world.ensure()).not.toBe('none');
      expect(await world.plan()).toBe('none');
    });

    test('makes one change when ensured twice', async () => {
      await using world = await make();
      await world.ensure();
      const once = await world.snapshot();
      expect(await world.ensure()).toBe('none');
      expect(await world.snapshot()).toEqual(once);
    });

    test('changes nothing when observed, absent or present', async () => {
      await using world = await make();
      const absent = await world.snapshot();
      await world.plan();
      expect(await world.snapshot()).toEqual(absent);
      await world.ensure();
      const present = await world.snapshot();
      await world.plan();
      expect(await world.snapshot()).toEqual(present);
    });

    test('is undone when a later step fails', async () => {
      await using world = await make();
      const before = await world.snapshot();
      await world.ensureThenFail();
      expect(await world.snapshot()).toEqual(before);
    });

    test('is kept when a later step of another run fails', async () => {
      await using world = await make();
      await world.ensure();
      const present = await world.snapshot();
      await world.ensureThenFail();
      expect(await world.snapshot()).toEqual(present);
    });

    test('leaves no change behind when removed, and says each time whether anything was', async () => {
      await using world = await make();
      const before = await world.snapshot();
      expect(await world.remove()).toBe('none');
      expect(await world.snapshot()).toEqual(before);
      await world.ensure();
      expect(await world.remove()).toBe('remove');
      expect(await world.snapshot()).toEqual(before);
      expect(await world.remove()).toBe('none');
      expect(await world.snapshot()).toEqual(before);
    });

    test('can be ensured again after it was removed', async () => {
      await using world = await make();
      await world.ensure();
      const present = await world.snapshot();
      await world.remove();
      expect(await world.ensure()).not.toBe('none');
      expect(await world.snapshot()).toEqual(present);
    });
  });
}

export interface InThisProcess<Wanted, Found> {
  readonly resource: Resource<Wanted, Found>;
  readonly wanted: Wanted;
  snapshot(): Promise<unknown>;
  dispose?(): Promise<void>;
}

export function inThisProcess<Wanted, Found>(world: InThisProcess<Wanted, Found>): ResourceUnderTest {
  const { resource, wanted } = world;
  const context = { signal: new AbortController().signal, progress: () => undefined };
  const step = resourceStep(resource, wanted);
  return {
    plan: async () => resource.plan(await resource.observe(context), wanted).kind,
    ensure: async () => {
      const kinds: StepOutcome[] = [];
      await runSteps([step], {
        emit: (event) => {
          if (event.event === 'step.done') kinds.push(event.change);
        },
        signal: context.signal,
        nowMs: () => 0,
      });
      return kinds[0]!;
    },
    ensureThenFail: () => failAfter(step),
    remove: () => resource.remove(context),
    snapshot: () => world.snapshot(),
    [Symbol.asyncDispose]: () => world.dispose?.() ?? Promise.resolve(),
  };
}

/** Runs the step, then one that fails; any other failure is passed on. */
async function failAfter(step: Step): Promise<void> {
  const purpose = new MobyvmError('MOBYVM_ABORTED', 'This step fails on purpose.', '');
  const failing: Step = {
    id: 'failing-on-purpose',
    title: 'a step that fails',
    run: () => Promise.reject(purpose),
  };
  const thrown: unknown = await runSteps([step, failing], {
    emit: () => undefined,
    signal: new AbortController().signal,
    nowMs: () => 0,
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown !== purpose) throw thrown;
}
