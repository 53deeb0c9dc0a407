import { Listeners, type Logger } from '../../core/host/index.js';
import { MobyvmError, reportOf, type ErrorReport } from '../../core/values/index.js';
import type { EngineState } from './engine-probe.js';
import { nextMachineState, type MachineEvent, type MachineState } from './machine-state.plan.js';
import type { OperationEvent } from './operation.js';
import { StepTimings, type StepTiming } from './start-timings.js';

/** The step of an operation that is in progress. */
export interface RunningStep {
  readonly id: string;
  readonly title: string;
  detail: string;
  /** By `performance.now()`. */
  readonly startedMs: number;
}

/**
 * The machine's state, since when, why, and what is being done.
 *
 * INVARIANT: the state changes only through `nextMachineState`. An event that cannot occur is a bug, and changes nothing.
 */
export class MachineCondition {
  readonly #logger: Logger;
  readonly #onBug: (bug: MobyvmError) => void;
  readonly #changes = new Listeners();
  readonly #timings = new StepTimings();
  #state: MachineState = 'stopped';
  #since = new Date().toISOString();
  #error: ErrorReport | undefined;
  #step: RunningStep | undefined;
  /**
   * True from the engine's first answer until the VM ends or is about to: a repeated `up` of a running machine never
   * makes clients wait.
   */
  isEngineReady = false;

  /** @param onBug by default it is logged: a running machine is worth more than its state's name */
  constructor(
    logger: Logger,
    onBug = (bug: MobyvmError): void =>
      logger.error('machine.state.bug', { code: bug.code, message: bug.message }),
  ) {
    this.#logger = logger;
    this.#onBug = onBug;
  }

  get state(): MachineState {
    return this.#state;
  }

  get since(): string {
    return this.#since;
  }

  get error(): ErrorReport | undefined {
    return this.#error;
  }

  get step(): RunningStep | undefined {
    return this.#step;
  }

  /** Of the last start, in their order. */
  get stepTimings(): readonly StepTiming[] {
    return this.#timings.steps;
  }

  /** Whether the engine can be reached, for the engine endpoint. */
  get engineState(): EngineState {
    if (this.isEngineReady) return { kind: 'ready' };
    switch (this.#state) {
      case 'starting':
      case 'restarting':
        return { kind: 'starting', step: this.#step?.title ?? 'the first step' };
      case 'failed':
        return { kind: 'failed', error: this.#error ?? reportOf(undefined) };
      case 'stopped':
      case 'stopping':
        return { kind: 'stopped' };
      case 'running':
      case 'degraded':
        return { kind: 'ready' };
    }
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  changed(): void {
    this.#changes.emit();
  }

  apply(event: MachineEvent, error?: ErrorReport): void {
    if (event === 'vm.starting') this.#timings.vmIsToStart();
    const next = nextMachineState(this.#state, event);
    if (next === undefined) {
      this.#onBug(
        new MobyvmError('MOBYVM_BUG', `The event "${event}" cannot occur in the state "${this.#state}".`, ''),
      );
      return;
    }
    if (next === this.#state) {
      // The reason of a degraded machine may change; how long it has been degraded does not.
      if (next === 'degraded' && error !== undefined && error.message !== this.#error?.message) {
        this.#error = error;
        this.changed();
      }
      return;
    }
    this.#logger.info('machine.state.changed', { from: this.#state, to: next });
    this.#state = next;
    this.#since = new Date().toISOString();
    this.#error = next === 'failed' || next === 'degraded' ? error : undefined;
    this.changed();
  }

  /** Takes note of an operation's progress, and logs how each step ended. */
  follow(event: OperationEvent): void {
    this.#timings.follow(event);
    switch (event.event) {
      case 'step.started':
        this.#step = { id: event.step, title: event.title, detail: '', startedMs: performance.now() };
        break;
      case 'step.progress':
        if (this.#step?.id === event.step) this.#step.detail = event.detail;
        return;
      case 'step.done': {
        const { step, change, durationMs } = event;
        this.#logger.info('step.done', { step, change, durationMs: Math.round(durationMs) });
        break;
      }
      case 'step.failed': {
        const { step, error } = event;
        this.#logger.error('step.failed', { step, code: error.code, message: error.message });
        break;
      }
      case 'step.undone':
        this.#logger.info('step.undone', { step: event.step });
        break;
      default:
        break;
    }
    this.changed();
  }

  operationEnded(): void {
    this.#step = undefined;
    this.#timings.operationEnded();
  }
}
