import { timeLimit, type ManagedResource } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { DhcpLease, PublishedPort } from '../../proxy/index.js';
import type { NetworkChange, NetworkWatch, VmConsole } from '../../vm/index.js';
import type { Settings } from '../settings/schema.js';
import { MachineCondition } from './condition.js';
import type { EngineAnswer, EngineState } from './engine-probe.js';
import { MachineHealth } from './machine-health.js';
import { MachineOperations } from './machine-operations.js';
import type { RunningContainer } from './running-containers.plan.js';
import type { MachineParts } from './machine-parts.js';
import type { MachineState } from './machine-state.plan.js';
import type { DaemonInfo, MachineStatus, MachineUsage } from './machine-status.js';
import { isUp, stateToStop } from './observe-vm.js';
import type { Operation, OperationListener, OperationName, Requester } from './operation.js';
import type { RepairOutcome } from './repair-pace.plan.js';
import { OperationRunner, type OperationContext, type OperationOutcome } from './operation-runner.js';
import { statusOf } from './status-of.js';
import { VmWatch } from './vm-watch.js';

const LOOK_TIMEOUT_MS = 3_000;

/** The machine as a whole: host side, VM and engine, driven by operations and looked after in between. */
export class Machine {
  readonly #parts: MachineParts;
  readonly #condition: MachineCondition;
  readonly #vm: VmWatch;
  readonly #operations: MachineOperations;
  readonly #health: MachineHealth;
  readonly #runner: OperationRunner;

  constructor(parts: MachineParts, settings: Settings) {
    const { driver, logger } = parts;
    const condition = new MachineCondition(logger, parts.onBug);
    this.#parts = parts;
    this.#condition = condition;
    this.#vm = new VmWatch({
      driver,
      condition,
      logger,
      isBusy: () => this.isBusy,
      onExit: () => {
        parts.guest.unfollow();
        parts.ports.guestLost();
        parts.shares.vmLost();
      },
    });
    this.#operations = new MachineOperations(parts, condition, this.#vm, settings);
    this.#health = new MachineHealth({
      parts,
      condition,
      vm: this.#vm,
      isQuiet: () => this.#isQuiet(),
      resources: () => this.#operations.resources(),
    });
    this.#runner = new OperationRunner({
      begun: (name) => this.#begun(name),
      event: (event) => condition.follow(event),
      ended: (outcome) => this.#ended(outcome),
    });
  }

  get kvp(): KvpExchange {
    return this.#parts.kvp;
  }

  /** Why the VM is paused, while it is. */
  get stall(): MobyvmError | undefined {
    return this.#vm.stall;
  }

  /** What the VM prints. */
  get console(): VmConsole {
    return this.#parts.driver.console;
  }

  get state(): MachineState {
    return this.#condition.state;
  }

  /** Of the last `up` or `restart`. */
  get settings(): Settings {
    return this.#operations.settings;
  }

  /** An operation is in progress. */
  get isBusy(): boolean {
    return this.#runner.current !== undefined;
  }

  /** `uninstall` has removed everything but what the daemon itself still uses. */
  get isUninstalled(): boolean {
    return this.#operations.isUninstalled;
  }

  get engineState(): EngineState {
    return this.#condition.engineState;
  }

  onStatusChange(listener: () => void): () => void {
    return this.#condition.onChange(listener);
  }

  operate(operation: Operation, requester: Requester, listener: OperationListener): Promise<void> {
    const work = (context: OperationContext): Promise<void> => this.#operations.perform(operation, context);
    return this.#runner.run(operation.name, requester, work, listener);
  }

  cancel(): Promise<boolean> {
    return this.#runner.cancel();
  }

  /** Nothing is left to look after. A start that failed and undid all that it had done leaves nothing either. */
  async isGone(): Promise<boolean> {
    if (this.isBusy) return false;
    if (this.state === 'stopped') return true;
    if (this.state !== 'failed') return false;
    const { driver, host } = this.#parts;
    const state = await stateToStop(driver, timeLimit(LOOK_TIMEOUT_MS));
    return !isUp(state) && (await host.isGone());
  }

  info(): DaemonInfo {
    const { namespace } = this.#parts.host.describe();
    return {
      state: this.state,
      daemon: this.#parts.about.daemon,
      ...(namespace === undefined ? {} : { namespace }),
    };
  }

  status(): Promise<MachineStatus> {
    return statusOf({
      parts: this.#parts,
      condition: this.#condition,
      operations: this.#operations,
      health: this.#health,
      isBusy: this.isBusy,
    });
  }

  /** Asks the engine itself, whatever is known of it. */
  pingEngine(signal: AbortSignal): Promise<EngineAnswer> {
    return this.#parts.engine.ping(signal);
  }

  /** What the machine consists of, in the order of `up`. */
  resources(): readonly ManagedResource[] {
    return this.#operations.resources();
  }

  listPorts(): Promise<readonly PublishedPort[]> {
    return this.#parts.ports.list();
  }

  /** As of the last audit: without asking the engine which there are. */
  knownPorts(): readonly PublishedPort[] {
    return this.#parts.ports.known();
  }

  async listContainers(): Promise<readonly RunningContainer[]> {
    const state = this.#condition.engineState;
    if (state.kind !== 'ready') throw notReadyError(this.state);
    return this.#parts.containers(timeLimit(LOOK_TIMEOUT_MS));
  }

  /** What the VM uses of the host. */
  async usage(): Promise<MachineUsage> {
    const { dataDisk, vmUsage } = this.#parts;
    const vm = await vmUsage();
    const diskBytes = await dataDisk.usedBytes();
    return { ...vm, ...(diskBytes === undefined ? {} : { diskBytes }) };
  }

  listLeases(): readonly DhcpLease[] {
    return this.#parts.host.leases();
  }

  /** Asks the engine whether it answers; called every few seconds. */
  checkHealth(): Promise<void> {
    return this.#health.check();
  }

  /** Repairs what others changed on the host. */
  async repair(): Promise<void> {
    await this.#health.repair('all');
  }

  /** Likewise, but for what could not be repaired shortly before; called now and then. */
  repairDue(): Promise<RepairOutcome> {
    return this.#health.repair('due');
  }

  /** Likewise, for a command that waits for it. @throws MobyvmError MOBYVM_BUSY */
  async repairNow(): Promise<void> {
    if (!this.#isQuiet()) throw notRepairableError(this.state);
    await this.#health.repairNow();
  }

  /** Announces changes of the host's network; undefined where nobody does. */
  watchNetwork(onChange: (change: NetworkChange) => void): NetworkWatch | undefined {
    return this.#parts.host.watch(onChange);
  }

  /** Repairs missing guard rules at once; called every second or two. */
  checkGuard(): Promise<void> {
    return this.#health.checkGuard();
  }

  /** Looks for other programs that are in the way of the VM's network; called now and then. */
  checkNetwork(): Promise<void> {
    return this.#health.checkObstacles();
  }

  /** Makes the host's listeners match what the engine says; called now and then. */
  async checkPorts(): Promise<void> {
    if (this.#condition.isEngineReady && this.#isQuiet()) await this.#parts.ports.audit();
  }

  /**
   * The host has slept, or its clock was set. The guest's clock is set first, and what may have changed meanwhile is looked
   * at now instead of in its turn: shares, the engine over its connection, the host's side with the servers for DHCP and for
   * the guest's links, other programs' networks, and ports. While an operation runs, it does so itself.
   */
  async hostWoke(): Promise<void> {
    if (!this.#isQuiet()) return;
    const { guest, shares } = this.#parts;
    void guest.syncClock({ reason: 'resumed' }, new AbortController().signal);
    shares.wake();
    await Promise.all([this.checkHealth(), this.repair(), this.checkNetwork(), this.checkPorts()]);
  }

  /** The machine is up and no operation changes it. */
  #isQuiet(): boolean {
    return !this.isBusy && (this.state === 'running' || this.state === 'degraded');
  }

  async #begun(name: OperationName): Promise<void> {
    this.#parts.logger.info('operation.begun', { operation: name });
    if (name !== 'up') this.#condition.isEngineReady = false;
    this.#condition.apply(`${name}.begun`);
    await this.#health.pause();
  }

  async #ended({ name, error, cancelled }: OperationOutcome): Promise<void> {
    const condition = this.#condition;
    condition.operationEnded();
    if (error === undefined) {
      condition.apply('operation.succeeded');
      return;
    }
    this.#parts.logger.error('operation.failed', { operation: name, code: error.code });
    // An `up` of a running machine that failed or was cancelled has undone nothing that the machine needs.
    if (condition.isEngineReady && name === 'up' && condition.state !== 'starting') {
      condition.changed();
      return;
    }
    // What an earlier `up` had set up stays: the machine is not stopped while it does.
    const isUndone = cancelled && error.code === 'MOBYVM_ABORTED' && (await this.#parts.host.isGone());
    condition.apply(isUndone ? 'operation.cancelled' : 'operation.failed', error);
  }
}

function notReadyError(state: MachineState): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `The Docker Engine is not running (the machine is ${state}).`,
    'Start the VM with `mobyvm up`.',
  );
}

function notRepairableError(state: MachineState): MobyvmError {
  return new MobyvmError(
    'MOBYVM_BUSY',
    `Nothing can be repaired now: the machine is ${state}, or a command is changing it.`,
    'Start it with `mobyvm up`, which repairs what it finds, or wait for the other command.',
  );
}
