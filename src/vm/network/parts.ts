import { resourceStep, type Resource, type Step, type StepContext } from '../../core/host/index.js';
import type { Change } from '../../core/values/index.js';

export interface PlannedChange {
  readonly id: string;
  readonly title: string;
  readonly change: Change;
}

/** A resource with its wanted state, whatever their types. */
export interface Part {
  readonly step: Step;
  plan(context: StepContext): Promise<PlannedChange>;
  remove(context: StepContext): Promise<void>;
}

export function part<Wanted, Found>(resource: Resource<Wanted, Found>, wanted: Wanted): Part {
  const { id, title } = resource;
  return {
    step: resourceStep(resource, wanted),
    plan: async (context) => ({ id, title, change: resource.plan(await resource.observe(context), wanted) }),
    remove: (context) => resource.remove(context),
  };
}

/** Takes all away, last first. One failure does not keep the others from being removed. */
export async function removeInReverse(parts: readonly Part[], context: StepContext): Promise<void> {
  const failures: unknown[] = [];
  for (const part of [...parts].reverse()) {
    context.signal.throwIfAborted();
    await part.remove(context).catch((error: unknown) => void failures.push(error));
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'several parts were not removed');
}

/** What each would change, without changing it. */
export async function planAll(
  parts: readonly Part[],
  context: StepContext,
): Promise<readonly PlannedChange[]> {
  const changes: PlannedChange[] = [];
  for (const each of parts) changes.push(await each.plan(context));
  return changes;
}
