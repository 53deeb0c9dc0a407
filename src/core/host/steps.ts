import type { ErrorReport } from '../values/index.js';
import { reportOf } from '../values/index.js';
import type { Change } from '../values/index.js';
import type { EnsureContext, Resource, Undo } from './resource.js';

/** What a step changed. `remove` comes from `down`; a resource's plan never returns it. */
export type StepOutcome = Change['kind'] | 'remove';

/**
 * What happens during a long operation. Only the terminal, log and dashboard renderers print; code that does
 * the work never does.
 */
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

/**
 * One step of an operation. `run` returns what it changed, registers undos, and stops when the context's
 * signal is aborted.
 */
export interface Step {
  readonly id: string;
  readonly title: string;
  readonly run: (context: EnsureContext) => Promise<StepOutcome>;
}

/**
 * Wraps a resource and its wanted state in a step: observe, plan, and ensure only if something must change.
 */
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
 * Runs the steps in order. On a failure or an abort, undoes what *this call* changed, last first, and
 * rethrows. Anything that was already correct is left alone, so repeating the call is cheap.
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

/**
 * The error to throw: `cause` itself, or an AggregateError that starts with `cause` if undoing failed as
 * well.
 */
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
