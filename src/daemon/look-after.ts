import type { NetworkChange, NetworkWatch } from '../vm/index.js';
import { Gathered } from './gathered.js';
import type { CheckIntervals } from './host-side/machine-platform.js';
import type { MachineState } from './machine/machine-state.plan.js';
import { nextRepairPauseMs, type RepairOutcome } from './machine/repair-pace.plan.js';

const HEALTH_EVERY_MS = 5_000;
/** VPNs connect now and then, and their routes stay for hours. */
const NETWORK_EVERY_MS = 30_000;
/** The same where changes are announced. */
const WATCHED_NETWORK_EVERY_MS = 300_000;
/** Most of what changes is known at once; this finds the rest. */
const PORTS_EVERY_MS = 15_000;
/** How exactly pauses are kept, where no look at the guard needs more. */
const TICK_MS = 2_000;
/** A program that changes the network rarely makes one change only. */
const SETTLE_MS = 100;
/** The least time between two looks for which a change is the reason. */
const LOOK_AGAIN_MS = 2_000;

/** The machine, as far as it is looked after; `Machine` fits. */
export interface LookedAfter {
  readonly state: MachineState;
  onStatusChange(listener: () => void): () => void;
  checkHealth(): Promise<void>;
  /** Repairs what has changed, except for what could not be repaired shortly before. */
  repairDue(): Promise<RepairOutcome>;
  checkGuard(): Promise<void>;
  checkNetwork(): Promise<void>;
  checkPorts(): Promise<void>;
  /** Undefined where changes of the host's network are not announced. */
  watchNetwork(onChange: (change: NetworkChange) => void): NetworkWatch | undefined;
}

/** Compares a machine that is up with what it should be: now and then, and when a change is announced. @returns ends it */
export function lookAfter(machine: LookedAfter, checks: CheckIntervals): () => Promise<void> {
  const carer = new Carer(machine, checks);
  return () => carer.close();
}

class Carer {
  readonly #machine: LookedAfter;
  readonly #checks: CheckIntervals;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #repairSoon: Gathered;
  readonly #networkSoon: Gathered;
  readonly #unsubscribe: () => void;
  #watch: NetworkWatch | undefined;
  #watchEnd: Promise<void> = Promise.resolve();
  #pauseMs: number;
  #repairAtMs: number;
  #networkAtMs: number;

  constructor(machine: LookedAfter, checks: CheckIntervals) {
    this.#machine = machine;
    this.#checks = checks;
    this.#repairSoon = new Gathered(() => this.#repair(), LOOK_AGAIN_MS);
    this.#networkSoon = new Gathered(() => this.#checkNetwork(), NETWORK_EVERY_MS);
    this.#pauseMs = checks.repair.shortMs;
    this.#repairAtMs = performance.now() + this.#pauseMs;
    this.#networkAtMs = performance.now() + NETWORK_EVERY_MS;
    this.#every(HEALTH_EVERY_MS, () => machine.checkHealth());
    this.#every(PORTS_EVERY_MS, () => machine.checkPorts());
    this.#every(checks.guardMs ?? TICK_MS, () => this.#tick());
    this.#unsubscribe = machine.onStatusChange(() => this.#followState());
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    this.#timers.forEach(clearInterval);
    this.#repairSoon.close();
    this.#networkSoon.close();
    await this.#unwatch();
  }

  #every(ms: number, work: () => Promise<void>): void {
    this.#timers.push(setInterval(() => void work(), ms));
  }

  async #tick(): Promise<void> {
    const now = performance.now();
    if (now >= this.#networkAtMs) void this.#checkNetwork();
    if (now >= this.#repairAtMs) await this.#repair();
    else if (this.#checks.guardMs !== undefined && !this.#isAnnounced) await this.#machine.checkGuard();
  }

  async #repair(): Promise<void> {
    const startedMs = performance.now();
    this.#repairAtMs = Infinity;
    const outcome = await this.#machine.repairDue();
    const isAnnounced = this.#isAnnounced;
    this.#pauseMs = nextRepairPauseMs(this.#pauseMs, { outcome, isAnnounced }, this.#checks.repair);
    this.#repairAtMs = startedMs + this.#pauseMs;
  }

  async #checkNetwork(): Promise<void> {
    const everyMs = this.#isAnnounced ? WATCHED_NETWORK_EVERY_MS : NETWORK_EVERY_MS;
    this.#networkAtMs = performance.now() + everyMs;
    await this.#machine.checkNetwork();
  }

  get #isAnnounced(): boolean {
    return this.#watch?.isWatching === true;
  }

  /** Only what is up can be repaired. */
  #followState(): void {
    const isUp = ['running', 'degraded'].includes(this.#machine.state);
    if (!isUp) void this.#unwatch();
    else this.#watch ??= this.#machine.watchNetwork((change) => this.#changed(change));
  }

  #unwatch(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    if (watch !== undefined) this.#watchEnd = watch.close();
    return this.#watchEnd;
  }

  #changed(change: NetworkChange): void {
    if (change === 'ours') this.#repairSoon.ask(SETTLE_MS);
    else this.#networkSoon.ask(SETTLE_MS);
  }
}
