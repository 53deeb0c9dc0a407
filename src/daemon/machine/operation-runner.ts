import { MobyvmError, reportOf, type ErrorReport } from '../../core/values/index.js';
import {
  conflictOf,
  type OperationEvent,
  type OperationListener,
  type OperationName,
  type Requester,
} from './operation.js';

export interface OperationContext {
  readonly name: OperationName;
  readonly emit: OperationListener;
  readonly signal: AbortSignal;
}

export type OperationWork = (context: OperationContext) => Promise<void>;

interface Requested {
  readonly name: OperationName;
  readonly requester: Requester;
  readonly work: OperationWork;
}

interface Running {
  readonly name: OperationName;
  readonly requester: Requester;
  readonly abort: AbortController;
  readonly listeners: Set<OperationListener>;
  readonly history: OperationEvent[];
  /** Settles when the operation has ended; never rejects. */
  readonly ended: Promise<void>;
}

export interface OperationOutcome {
  readonly name: OperationName;
  /** Absent when it succeeded. */
  readonly error?: ErrorReport;
  readonly cancelled: boolean;
}

export interface OperationHooks {
  /** What it does counts as part of the operation: the work starts afterwards. */
  readonly begun: (name: OperationName) => Promise<void>;
  readonly event: OperationListener;
  /** What it does counts as part of the operation: the next one begins afterwards. */
  readonly ended: (outcome: OperationOutcome) => Promise<void>;
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

  /** Starts, joins or preempts (see `conflictOf`) and resolves when the operation has ended. Outcomes are events. */
  async run(
    name: OperationName,
    requester: Requester,
    work: OperationWork,
    listener: OperationListener,
  ): Promise<void> {
    for (;;) {
      const running = this.#running;
      const conflict = conflictOf(running?.name, name);
      if (running === undefined || conflict === 'start')
        return this.#start({ name, requester, work }, listener);
      const other = { operation: running.name, requester: running.requester };
      if (conflict === 'refuse') {
        listener({
          event: 'operation.failed',
          operation: name,
          durationMs: 0,
          error: reportOf(busyError(name, running)),
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
      running.abort.abort(abortedError(running.name, requester));
      await running.ended;
    }
  }

  /** Aborts the running operation and waits until it has undone its work. False when none runs. */
  async cancel(): Promise<boolean> {
    const running = this.#running;
    if (running === undefined) return false;
    running.abort.abort(abortedError(running.name));
    await running.ended;
    return true;
  }

  #start(operation: Requested, listener: OperationListener): Promise<void> {
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
    const ended = Promise.resolve().then(() => this.#execute(operation, tell, abort.signal));
    this.#running = {
      name: operation.name,
      requester: operation.requester,
      abort,
      listeners,
      history,
      ended,
    };
    return ended;
  }

  async #execute({ name, work }: Requested, tell: OperationListener, signal: AbortSignal): Promise<void> {
    const startedMs = this.#nowMs();
    await this.#hooks.begun(name);
    let error: ErrorReport | undefined;
    try {
      signal.throwIfAborted();
      await work({ name, emit: tell, signal });
    } catch (thrown) {
      error = reportOf(thrown);
    }
    await this.#hooks.ended({ name, cancelled: signal.aborted, ...(error === undefined ? {} : { error }) });
    this.#running = undefined;
    const durationMs = this.#nowMs() - startedMs;
    tell(
      error === undefined
        ? { event: 'operation.done', operation: name, durationMs }
        : { event: 'operation.failed', operation: name, durationMs, error },
    );
  }
}

function busyError(requested: OperationName, running: Running): MobyvmError {
  return new MobyvmError(
    'MOBYVM_BUSY',
    `Cannot run "mobyvm ${requested}" now: "${running.requester.command}" (pid ${running.requester.pid}) is in progress.`,
    `Wait for "mobyvm ${running.name}" to finish, then run "mobyvm ${requested}" again.`,
    { details: { running: running.name, pid: running.requester.pid } },
  );
}

/** @param by who requested something else instead */
function abortedError(name: OperationName, by?: Requester): MobyvmError {
  const whom = by === undefined ? '' : ` by "${by.command}" (pid ${by.pid})`;
  // A shutdown cannot be taken back.
  const result =
    name === 'up'
      ? 'its changes were undone'
      : 'the VM may still be shutting down, and `mobyvm status` shows what is left';
  return new MobyvmError(
    'MOBYVM_ABORTED',
    `"mobyvm ${name}" was interrupted${whom}; ${result}.`,
    `Run "mobyvm ${name}" again to finish it.`,
  );
}
