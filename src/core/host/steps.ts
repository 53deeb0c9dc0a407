import type { ErrorReport } from '../values/index.js';
import { reportOf } from '../values/index.js';
import type { Change } from '../values/index.js';
import type { EnsureContext, Resource, Undo } from './resource.js';

/** What a step changed. `remove` is what `down` does; a resource's plan never says it. */
export type StepOutcome = Change['kind'] | 'remove';

/** What happens during a long operation. Terminal, log and dashboard render these; code that works never prints. */
export type ProgressEvent =
  | { readonly event: 'step.started'; readonly step: string; readonly title: string }
  | { readonly event: 'step.progress'; readonly step: string; readonly detail: string }
  | {
      readonly event: 'step.done';
      readonly step: string;
      readonly durationMs: number;
      readonly change: StepOutcome;
    }
  | {
      readonly event: 'step.failed';
      readonly step: string;
      readonly durationMs: number;
      readonly error: ErrorReport;
    }
  | { readonly event: 'step.undone'; readonly step: string };

export type Emit = (event: ProgressEvent) => void;

/** One step of an operation. `run` says what it changed, registers undos, and is stopped by the context's signal. */
export interface Step {
  readonly id: string;
  readonly title: string;
  readonly run: (context: EnsureContext) => Promise<StepOutcome>;
}

/** A resource with the state that it is wanted in, as a step: observe, plan, and ensure only if there is a change. */
export function resourceStep<Wanted, Found>(resource: Resource<Wanted, Found>, wanted: Wanted): Step {
  return {
    id: resource.id,
    title: resource.title,
    async run(context) {
      const found = await resource.observe(context);
      const change = resource.plan(found, wanted);
      if (change.kind !== 'none') await resource.ensure(wanted, found, context);
      return change.kind;
    },
  };
}

export interface StepsOptions {
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

/**
 * Runs the steps in order. On a failure or an abort it undoes what *this call* did, last first, and rethrows.
 * What was right already is never touched, so calling it again is free.
 */
export async function runSteps(steps: readonly Step[], { emit, signal, nowMs }: StepsOptions): Promise<void> {
  const undos: RegisteredUndo[] = [];
  for (const { id: step, title, run } of steps) {
    const startedMs = nowMs();
    const context: EnsureContext = {
      signal,
      progress: (detail) => emit({ event: 'step.progress', step, detail }),
      onFailure: (undo) => void undos.push({ step, undo }),
    };
    emit({ event: 'step.started', step, title });
    try {
      signal.throwIfAborted();
      const change = await run(context);
      signal.throwIfAborted();
      emit({ event: 'step.done', step, durationMs: nowMs() - startedMs, change });
    } catch (error) {
      emit({ event: 'step.failed', step, durationMs: nowMs() - startedMs, error: reportOf(error) });
      throw await undoAll(undos, error, emit);
    }
  }
}

interface RegisteredUndo {
  readonly step: string;
  readonly undo: Undo;
}

/** The error to throw: `cause` itself, or an AggregateError with `cause` first when undoing failed as well. */
async function undoAll(undos: readonly RegisteredUndo[], cause: unknown, emit: Emit): Promise<unknown> {
  const failures: unknown[] = [];
  for (const { step, undo } of [...undos].reverse()) {
    try {
      await undo();
      emit({ event: 'step.undone', step });
    } catch (error) {
      failures.push(error);
    }
  }
  return failures.length === 0
    ? cause
    : new AggregateError([cause, ...failures], 'setup failed, and undoing it failed too');
}
