import { removeSteps, runSteps, type ManagedResource } from '../../core/host/index.js';
import type { OperationContext } from './operation-runner.js';

/**
 * Removes the resources last to first. One failure does not keep the others from being removed; an abort does.
 * @throws what the first failed with, as an AggregateError when several failed
 */
export async function removeEach(
  resources: readonly ManagedResource[],
  context: OperationContext,
): Promise<void> {
  const failures: unknown[] = [];
  for (const step of removeSteps(resources)) {
    context.signal.throwIfAborted();
    try {
      await runSteps([step], { ...context, nowMs: () => Math.round(performance.now()) });
    } catch (error) {
      context.signal.throwIfAborted();
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'several resources were not removed');
}
