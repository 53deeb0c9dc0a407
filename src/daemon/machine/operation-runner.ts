import { MobyvmError, reportOf, type ErrorReport } from '../../core/values/index.js';
import type { OperationEvent, OperationName, Requester } from '../../protocol/messages.js';
import { conflictOf } from './operation-conflict.plan.js';

export interface OperationContext {
  readonly name: OperationName;
  readonly emit: OperationListener;
  readonly signal: AbortSignal;
}

export type OperationWork = (context: OperationContext) => Promise<void>;
export type OperationListener = (event: OperationEvent) => void;

interface Running {
  readonly name: OperationName;
  readonly requester: Requester;
  readonly abort: AbortController;
  readonly listeners: Set<OperationListener>;
  readonly history: OperationEvent[];
  /** Settles when it is over; never rejects. */
  readonly ended: Promise<void>;
}

export interface OperationOutcome {
  readonly name: OperationName;
  /** Absent when it succeeded. */
  readonly error?: ErrorReport;
  readonly cancelled: boolean;
}

export interface OperationHooks {
  readonly begun: (name: OperationName) => void;
  readonly event: OperationListener;
  readonly ended: (outcome: OperationOutcome) => void;
}

/**
 * Runs one operation at a time.
 *
 * INVARIANTS
 * - At most one operation runs; a preempted one has ended, with its undos, before the next begins.
 * - Every listener gets exactly one `operation.done` or `operation.failed`, as its last event.
 */
export class OperationRunner {
  #running: Running | undefined;
  readonly #hooks: OperationHooks;
  readonly #nowMs: () => number;

  constructor(hooks: OperationHooks, nowMs: () => number = () => Math.round(performance.now())) {
    this.#hooks = hooks;
    this.#nowMs = nowMs;
  }

  get current(): OperationName | undefined {
    return this.#running?.name;
  }

  /** Starts, joins or preempts (see `conflictOf`) and resolves when the operation is over. Outcomes are events. */
  async run(
    name: OperationName,
    requester: Requester,
    work: OperationWork,
    listener: OperationListener,
  ): Promise<void> {
    for (;;) {
      const running = this.#running;
      const conflict = conflictOf(running?.name, name);
      if (running === undefined || conflict === 'start') return this.#start(name, requester, work, listener);
      const other = { operation: running.name, requester: running.requester };
      if (conflict === 'refuse') {
        listener({
          event: 'operation.failed',
          operation: name,
          durationMs: 0,
          error: reportOf(busy(name, running)),
        });
        return;
      }
      if (conflict === 'join') {
        listener({ event: 'operation.joined', ...other });
        running.history.forEach(listener);
        running.listeners.add(listener);
        return running.ended;
      }
      listener({ event: 'operation.waiting', ...other });
      running.abort.abort(aborted(running.name, requester));
      await running.ended;
    }
  }

  /** Aborts the running operation and waits until it has undone its work. False when none runs. */
  async cancel(): Promise<boolean> {
    const running = this.#running;
    if (running === undefined) return false;
    running.abort.abort(aborted(running.name));
    await running.ended;
    return true;
  }

  #start(
    name: OperationName,
    requester: Requester,
    work: OperationWork,
    listener: OperationListener,
  ): Promise<void> {
    const abort = new AbortController();
    const listeners = new Set([listener]);
    const history: OperationEvent[] = [];
    let detail: Extract<OperationEvent, { event: 'step.progress' }> | undefined;
    const tell = (event: OperationEvent): void => {
      // A late joiner needs the steps with what each came to, not every progress line.
      if (event.event === 'step.progress') {
        detail = event;
      } else {
        if (event.event === 'step.done' && detail?.step === event.step) history.push(detail);
        detail = undefined;
        history.push(event);
      }
      this.#hooks.event(event);
      for (const each of listeners) each(event);
    };
    // Deferred by one turn, so that `#running` is set before the work can look at it.
    const ended = Promise.resolve().then(() => this.#execute({ name, work, tell, signal: abort.signal }));
    this.#running = { name, requester, abort, listeners, history, ended };
    return ended;
  }

  async #execute(operation: {
    name: OperationName;
    work: OperationWork;
    tell: OperationListener;
    signal: AbortSignal;
  }): Promise<void> {
    const { name, work, tell, signal } = operation;
    const startedMs = this.#nowMs();
    this.#hooks.begun(name);
    let error: ErrorReport | undefined;
    try {
      signal.throwIfAborted();
      await work({ name, emit: tell, signal });
    } catch (thrown) {
      error = reportOf(thrown);
    }
    this.#running = undefined;
    this.#hooks.ended({ name, cancelled: signal.aborted, ...(error === undefined ? {} : { error }) });
    const durationMs = this.#nowMs() - startedMs;
    tell(
      error === undefined
        ? { event: 'operation.done', operation: name, durationMs }
        : { event: 'operation.failed', operation: name, durationMs, error },
    );
  }
}

function busy(asked: OperationName, running: Running): MobyvmError {
  return new MobyvmError(
    'MOBYVM_BUSY',
    `"mobyvm ${asked}" has to wait: "${running.requester.command}" (pid ${running.requester.pid}) is under way.`,
    `Wait until "mobyvm ${running.name}" has ended, then run "mobyvm ${asked}" again.`,
    { details: { running: running.name, pid: running.requester.pid } },
  );
}

/** @param by who asked for something else instead */
function aborted(name: OperationName, by?: Requester): MobyvmError {
  const whom = by === undefined ? '' : ` by "${by.command}" (pid ${by.pid})`;
  // Nothing calls a shutdown back.
  const since =
    name === 'up'
      ? 'what it had done was undone'
      : 'a VM that was told to shut down goes on with that, and `mobyvm status` shows what is left';
  return new MobyvmError(
    'MOBYVM_ABORTED',
    `"mobyvm ${name}" was interrupted${whom}; ${since}.`,
    `Run "mobyvm ${name}" again when you want it to finish.`,
  );
}
