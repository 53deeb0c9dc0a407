import type { Change } from '../values/index.js';
import type { EnsureContext, RemoveOutcome, Resource, StepContext } from './resource.js';
import { resourceStep, type Step, type StepOutcome } from './steps.js';

/**
 * How long a resource exists: `machine` from `up` to `down`, `installation` until `uninstall`.
 */
export type Lifetime = 'machine' | 'installation';

/** A resource and its wanted state, whatever their types: an entry of the machine's resource list. */
export interface ManagedResource {
  readonly id: string;
  /** What a person reads, for example "bridge mobyvm0". */
  readonly title: string;
  readonly lifetime: Lifetime;
  /** The periodic check observes it and ensures it again when it differs from what is wanted. */
  readonly isRepaired: boolean;
  /** Observes, plans and, if something must change, ensures. */
  ensure(context: EnsureContext): Promise<StepOutcome>;
  /** What `ensure` would change, without changing it. @throws MobyvmError what `ensure` would fail with */
  plan(context: StepContext): Promise<Change>;
  /** Removes it. Already absent is `none`; what is not ours is left alone. */
  remove(context: StepContext): Promise<RemoveOutcome>;
}

/** What `plan` found about one entry of a resource list. */
export interface PlannedChange {
  readonly id: string;
  readonly title: string;
  readonly change: Change;
}

/** An entry for a resource that is repaired, and that `down` removes. */
export function managed<Wanted, Found>(resource: Resource<Wanted, Found>, wanted: Wanted): ManagedResource {
  return {
    id: resource.id,
    title: resource.title,
    lifetime: 'machine',
    isRepaired: true,
    ensure: (context) => resourceStep(resource, wanted).run(context),
    plan: async (context) => resource.plan(await resource.observe(context), wanted),
    remove: (context) => resource.remove(context),
  };
}

/** The steps of `up`: every resource, first to last. */
export function ensureSteps(resources: readonly ManagedResource[]): readonly Step[] {
  return resources.map((resource) => ({
    id: resource.id,
    title: resource.title,
    run: (context) => resource.ensure(context),
  }));
}

/** The steps of `down` or `uninstall`: last to first. */
export function removeSteps(resources: readonly ManagedResource[]): readonly Step[] {
  return [...resources].reverse().map((resource) => ({
    id: resource.id,
    title: resource.title,
    run: (context) => resource.remove(context),
  }));
}

/** What `ensureSteps` would change, without changing it. */
export async function planAll(
  resources: readonly ManagedResource[],
  context: StepContext,
): Promise<readonly PlannedChange[]> {
  const changes: PlannedChange[] = [];
  for (const resource of resources) {
    const { id, title } = resource;
    changes.push({ id, title, change: await resource.plan(context) });
  }
  return changes;
}

/** Removes all, last to first. One failure does not keep the others from being removed. */
export async function removeAll(resources: readonly ManagedResource[], context: StepContext): Promise<void> {
  const failures: unknown[] = [];
  for (const resource of [...resources].reverse()) {
    context.signal.throwIfAborted();
    await resource.remove(context).catch((error: unknown) => void failures.push(error));
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'several resources were not removed');
}
