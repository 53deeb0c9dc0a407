import { timeLimit, type ManagedResource } from '../../core/host/index.js';
import { MobyvmError, reportOf, textOf, type Change, type ErrorReport } from '../../core/values/index.js';
import type { MachineCondition } from './condition.js';
import type { EngineAnswer } from './engine-probe.js';
import type { Obstacle } from '../host-side/host-network.js';
import type { MachineParts } from './machine-parts.js';
import type { Repair, ResourceHealth } from './machine-status.js';
import { retryPauseMs, type RepairOutcome } from './repair-pace.plan.js';
import { whyEngineIsLost } from './observe-vm.js';
import type { VmWatch } from './vm-watch.js';

/** A ping without an answer by then counts as lost; the engine may be slow under software emulation. */
const PROBE_TIMEOUT_MS = 3_000;
const LOOK_TIMEOUT_MS = 10_000;
const KEPT_REPAIRS = 10;
/** Without the rules other machines reach the VM's servers: they are restored before anything else. */
const FIRST = 'firewall';

interface Broken {
  readonly problem: MobyvmError;
  /** In a row. */
  readonly failures: number;
  /** By `performance.now()`. */
  readonly retryAtMs: number;
}

export interface MachineHealthOptions {
  readonly parts: MachineParts;
  readonly condition: MachineCondition;
  readonly vm: VmWatch;
  /** The machine is up, and no operation changes it. */
  readonly isQuiet: () => boolean;
  readonly resources: () => readonly ManagedResource[];
}

/**
 * Looks after a machine that is up: asks the engine whether it answers, and repairs what others changed on the host.
 *
 * INVARIANT: a repair and an operation never run at the same time; an operation aborts the repair and waits for it.
 */
export class MachineHealth {
  readonly #options: MachineHealthOptions;
  readonly #repairs: Repair[] = [];
  #obstacles: readonly Obstacle[] = [];
  /** What could not be repaired, by the resource's id. */
  readonly #broken = new Map<string, Broken>();
  #isLookingAtGuard = false;
  #repairing: { readonly abort: AbortController; readonly ended: Promise<RepairOutcome> } | undefined;

  constructor(options: MachineHealthOptions) {
    this.#options = options;
  }

  /** The latest repairs, oldest first. */
  get repairs(): readonly Repair[] {
    return this.#repairs;
  }

  /** What other programs do to the VM's network, as of the last look. */
  get obstacles(): readonly Obstacle[] {
    return this.#obstacles;
  }

  /** Everything that is repaired; `degraded` names only the first problem. */
  get resources(): readonly ResourceHealth[] {
    const { isQuiet, resources } = this.#options;
    if (!isQuiet()) return [];
    return resources()
      .filter(({ isRepaired }) => isRepaired)
      .map(({ id, title }) => {
        const broken = this.#broken.get(id);
        if (broken === undefined) return { id, title, health: 'healthy' };
        const { message, remedy } = broken.problem;
        return { id, title, health: 'broken', problem: message, remedy };
      });
  }

  /** The engine's answer, or undefined when there is none in time. */
  async probe(): Promise<EngineAnswer | undefined> {
    const { engine, logger } = this.#options.parts;
    try {
      return await engine.ping(timeLimit(PROBE_TIMEOUT_MS));
    } catch (error) {
      logger.debug('engine.ping.failed', { code: reportOf(error).code });
      return undefined;
    }
  }

  /** Pings the engine and records the result. */
  async check(): Promise<void> {
    const { condition, isQuiet, parts, vm } = this.#options;
    if (!isQuiet() || (await vm.isStalled())) return;
    const answer = await this.probe();
    const [broken] = this.#broken.values();
    const problem = answer !== undefined ? broken?.problem : await whyEngineIsLost(parts);
    if (answer !== undefined) {
      const occasion = { reason: 'checked', engineOffsetMs: answer.clockOffsetMs } as const;
      void parts.guest.syncClock(occasion, new AbortController().signal);
    }
    if (!isQuiet()) return;
    if (problem === undefined) condition.apply('health.restored');
    else condition.apply('health.lost', reportOf(problem));
  }

  /**
   * Observes every resource that others may have changed, and ensures it again. With `due`, what could not be repaired
   * is tried again only after a pause that grows with each failure.
   */
  async repair(which: 'all' | 'due'): Promise<RepairOutcome> {
    if (this.#repairing !== undefined || !this.#options.isQuiet()) return 'skipped';
    const abort = new AbortController();
    const ended = this.#repairAll(which, abort.signal)
      .catch((error: unknown) => {
        this.#options.parts.logger.debug('resources.check.failed', { reason: textOf(error) });
        return 'changed' as const;
      })
      .finally(() => {
        this.#repairing = undefined;
      });
    this.#repairing = { abort, ended };
    return ended;
  }

  /** As `repair`, once more if one is under way: it may have looked before the damage was done. */
  async repairNow(): Promise<void> {
    await this.#repairing?.ended;
    await this.repair('all');
  }

  /** Repairs at once when the VM's servers are not guarded; called often, so a look must be cheap. */
  async checkGuard(): Promise<void> {
    const { parts, isQuiet } = this.#options;
    const isBroken = [...this.#broken.keys()].some((id) => id.includes(FIRST));
    // What could not be repaired is tried again by the whole check.
    if (this.#isLookingAtGuard || this.#repairing !== undefined || isBroken || !isQuiet()) return;
    this.#isLookingAtGuard = true;
    try {
      if (!(await parts.host.isGuarded(timeLimit(LOOK_TIMEOUT_MS)))) await this.repair('due');
    } catch (error) {
      parts.logger.debug('guard.check.failed', { reason: textOf(error) });
    } finally {
      this.#isLookingAtGuard = false;
    }
  }

  /** Ends a repair that runs: an operation is about to change the same resources. */
  async pause(): Promise<void> {
    const repairing = this.#repairing;
    repairing?.abort.abort(new MobyvmError('MOBYVM_ABORTED', 'A command takes precedence.', ''));
    await repairing?.ended;
    this.#broken.clear();
    this.#obstacles = [];
  }

  /** Looks for foreign networks and rules that interfere with the VM's network, and logs each once. */
  async checkObstacles(): Promise<void> {
    const { parts, isQuiet, condition } = this.#options;
    if (!isQuiet()) return;
    try {
      const found = await parts.host.obstacles(timeLimit(LOOK_TIMEOUT_MS));
      const known = new Set(this.#obstacles.map(({ id }) => id));
      for (const { id, problem, remedy } of found)
        if (!known.has(id)) parts.logger.warn('network.obstacle.found', { problem, remedy });
      const isSame = found.length === known.size && found.every(({ id }) => known.has(id));
      this.#obstacles = found;
      if (!isSame) condition.changed();
    } catch (error) {
      parts.logger.debug('network.check.failed', { reason: textOf(error) });
    }
  }

  async #repairAll(which: 'all' | 'due', signal: AbortSignal): Promise<RepairOutcome> {
    const now = performance.now();
    const isDue = (id: string): boolean => which === 'all' || now >= (this.#broken.get(id)?.retryAtMs ?? 0);
    const all = this.#options.resources().filter(({ isRepaired }) => isRepaired);
    const urgent = all.filter(({ id }) => id.includes(FIRST));
    let outcome: RepairOutcome = 'unchanged';
    for (const resource of [...urgent, ...all.filter((each) => !urgent.includes(each))]) {
      signal.throwIfAborted();
      if (isDue(resource.id) && !(await this.#isRight(resource, signal))) outcome = 'changed';
    }
    return outcome;
  }

  /** Repairs a resource if it has to be. */
  async #isRight(resource: ManagedResource, signal: AbortSignal): Promise<boolean> {
    const { logger } = this.#options.parts;
    const { id, title } = resource;
    const context = { signal, progress: () => undefined, onFailure: () => undefined };
    try {
      const change = await resource.plan(context);
      if (change.kind !== 'none') {
        logger.warn('resource.changed', { id, problem: problemOf(change) });
        await resource.ensure(context);
        this.#noteRepair({ at: new Date().toISOString(), id, title, problem: problemOf(change) });
      }
      this.#broken.delete(id);
      return change.kind === 'none';
    } catch (error) {
      signal.throwIfAborted();
      const problem = repairError(title, reportOf(error));
      const before = this.#broken.get(id);
      if (before?.problem.message !== problem.message)
        logger.error('resource.repair.failed', { id, reason: textOf(error) });
      const failures = (before?.failures ?? 0) + 1;
      this.#broken.set(id, { problem, failures, retryAtMs: performance.now() + retryPauseMs(failures) });
      return false;
    }
  }

  #noteRepair(repair: Repair): void {
    this.#repairs.push(repair);
    if (this.#repairs.length > KEPT_REPAIRS) this.#repairs.shift();
    this.#options.parts.logger.warn('resource.repaired', { id: repair.id, problem: repair.problem });
    this.#options.condition.changed();
  }
}

function problemOf(change: Change): string {
  switch (change.kind) {
    case 'none':
      return 'unchanged';
    case 'create':
      return 'missing';
    case 'update':
      return `changed: ${change.fields.join(', ')}`;
    case 'replace':
      return change.reason;
  }
}

function repairError(title: string, { code, message, remedy, details }: ErrorReport): MobyvmError {
  return new MobyvmError(code, `Cannot repair ${title}: ${message}`, remedy, { details });
}
