import { runSteps, type Step } from '../../core/host/index.js';
import { type MobyvmError, reportOf, textOf, type ErrorReport } from '../../core/values/index.js';
import { stalledByFullDisk, type VmExit, type VmSpec } from '../../vm/index.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { PublishedPort } from '../../proxy/index.js';
import type { ControlledMachine } from '../control/server.js';
import type {
  DaemonInfo,
  MachineStatus,
  OperationEvent,
  OperationName,
  PendingSetting,
  Requester,
} from '../../protocol/messages.js';
import { oversized, refuseTooLarge } from '../settings/host-limits.plan.js';
import type { Settings } from '../settings/schema.js';
import type { EngineAnswer, EngineState } from './engine-probe.js';
import { guestSteps } from './guest-steps.js';
import { logStep } from './log-step.js';
import { stepNow, type RunningStep } from './running-step.js';
import { diskStays, ended } from './machine-messages.js';
import { nextMachineState, type MachineEvent, type MachineState } from './machine-state.plan.js';
import {
  describedNetwork,
  isRunningNow,
  isUp,
  letGoOn,
  observeVm,
  stateToStop,
  whyEngineIsLost,
} from './observe-vm.js';
import { pendingSettings, pendingText } from './pending-settings.plan.js';
import type { MachineParts } from './machine-parts.js';
import { VmStart, vmStop } from './vm-steps.js';
import { OperationRunner, type OperationContext, type OperationOutcome } from './operation-runner.js';

/** A ping that has not come back by then counts as lost; the engine under software emulation may be slow. */
const PROBE_TIMEOUT_MS = 3_000;

/**
 * The machine as a whole: host side, VM and engine, driven by operations and watched in between.
 *
 * INVARIANTS
 * - The state changes only through `nextMachineState`.
 * - `#engineReady` is true from the engine's first answer until the VM ends or is about to: a repeated `up` of a
 *   running machine never makes clients wait.
 */
export class Machine implements ControlledMachine {
  readonly #parts: MachineParts;
  readonly #runner: OperationRunner;
  readonly #listeners = new Set<() => void>();
  #settings: Settings;
  #state: MachineState = 'stopped';
  #since = new Date().toISOString();
  #error: ErrorReport | undefined;
  #step: RunningStep | undefined;
  #exit: VmExit | undefined;
  #stall: MobyvmError | undefined;
  #pending: readonly PendingSetting[] = [];
  #engineReady = false;
  /** An `up` has brought the network up; it stays when the VM ends by itself. */
  #isNetworkUp = false;
  #engine: { version: string; apiVersion: string } | undefined;

  constructor(parts: MachineParts, settings: Settings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#runner = new OperationRunner({
      begun: (name) => this.#begun(name),
      event: (event) => this.#follow(event),
      ended: (outcome) => this.#ended(outcome),
    });
    parts.driver.onExit((exit) => this.#vmExited(exit));
    parts.driver.onStall((stall) => this.#vmStalled(stalledByFullDisk(stall)));
  }

  get kvp(): KvpExchange {
    return this.#parts.kvp;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Of the last `up` or `restart`. */
  get settings(): Settings {
    return this.#settings;
  }

  /** An operation is under way. */
  get isBusy(): boolean {
    return this.#runner.current !== undefined;
  }

  get engineState(): EngineState {
    if (this.#engineReady) return { kind: 'ready' };
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

  onStatusChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  operate(
    name: OperationName,
    requester: Requester,
    listener: (event: OperationEvent) => void,
  ): Promise<void> {
    return this.#runner.run(name, requester, (context) => this.#work(name, context), listener);
  }

  cancel(): Promise<boolean> {
    return this.#runner.cancel();
  }

  /** There is nothing to look after: a start that failed, and undid all that it had done, left nothing either. */
  async isGone(): Promise<boolean> {
    if (this.isBusy) return false;
    if (this.#state !== 'failed') return this.#state === 'stopped';
    const { driver, host } = this.#parts;
    const state = await stateToStop(driver, AbortSignal.timeout(PROBE_TIMEOUT_MS));
    return !isUp(state) && (await host.isGone());
  }

  info(): DaemonInfo {
    const { about, host } = this.#parts;
    const { namespace } = host.describe();
    return {
      state: this.#state,
      daemon: about.daemon,
      ...(namespace === undefined ? {} : { namespace }),
    };
  }

  async status(): Promise<MachineStatus> {
    const { driver, host, about, guest, ports, specFor } = this.#parts;
    const probe = this.#engineReady ? await this.#probe() : undefined;
    const { error, ...vm } = await observeVm(this.#parts, specFor(this.#settings));
    return {
      state: this.#state,
      since: this.#since,
      ...(this.#step === undefined ? {} : { step: stepNow(this.#step) }),
      ...((this.#error ?? error) === undefined ? {} : { error: this.#error ?? error }),
      daemon: about.daemon,
      vm: {
        driver: driver.name,
        machineId: about.machineId,
        ...vm,
      },
      ...(this.#pending.length === 0 ? {} : { pending: [...this.#pending] }),
      ...(guest.facts === undefined ? {} : { guest: guest.facts }),
      network: {
        ...describedNetwork(host, this.isBusy || isUp(vm.state) || this.#isNetworkUp),
        mac: about.mac,
      },
      engine: {
        endpoint: about.endpoint,
        reachable: probe !== undefined,
        ...(probe === undefined ? {} : (this.#engine ?? {})),
        ...(probe?.clockOffsetMs === undefined ? {} : { clockOffsetMs: probe.clockOffsetMs }),
      },
      ports: ports.counts(),
    };
  }

  /** Asks the engine whether it answers, and takes note of what follows; called every few seconds. */
  async checkHealth(): Promise<void> {
    if (!this.#isQuiet() || (await this.#isStalled())) return;
    const answered = (await this.#probe()) !== undefined;
    if (answered) this.#apply('engine.back', undefined);
    else this.#apply('engine.lost', reportOf(await whyEngineIsLost(this.#parts)));
  }

  /** Makes the host's listeners what the engine says; called now and then. */
  async checkPorts(): Promise<void> {
    if (this.#engineReady && this.#isQuiet()) await this.#parts.ports.audit();
  }

  listPorts(): Promise<readonly PublishedPort[]> {
    return this.#parts.ports.list();
  }

  /** Looks whether the host's networks still leave room for ours; called now and then. */
  async checkNetwork(): Promise<void> {
    if (!this.#isQuiet()) return;
    try {
      await this.#parts.host.checkNetwork(AbortSignal.timeout(PROBE_TIMEOUT_MS));
    } catch (error) {
      this.#parts.logger.debug('network.check.failed', { reason: textOf(error) });
    }
  }

  async #work(name: OperationName, context: OperationContext): Promise<void> {
    const { driver, guest, host, hostSize, loadSettings, applySettings } = this.#parts;
    // Before anything is stopped: settings that cannot be used leave a running machine alone.
    if (name !== 'down') {
      const settings = await loadSettings();
      refuseTooLarge(settings, hostSize);
      this.#settings = settings;
      applySettings?.(this.#settings);
    }
    if (name !== 'up') {
      this.#pending = [];
      guest.unfollow();
      const stop = vmStop(driver, this.#settings.vm.stopTimeoutSeconds);
      await this.#steps([stop, ...host.removeSteps()], context);
      this.#isNetworkUp = false;
    }
    if (name !== 'down') await this.#up(this.#settings, context);
  }

  async #up(settings: Settings, context: OperationContext): Promise<void> {
    const { driver, boot, host, guest, imageStep, specFor } = this.#parts;
    const isRunning = await isRunningNow(driver, context.signal);
    if (!isRunning) this.#vmIsToStart(settings, context);
    this.#exit = undefined;
    this.#stall = undefined;
    const { vm } = settings;
    const start = new VmStart({
      ...{ driver, boot, isRunning },
      spec: () => specFor(settings),
      diskIs: (diskGiB) => {
        if (diskGiB > vm.diskGiB) this.#notice(diskStays(vm.diskGiB, diskGiB), context);
      },
    });
    const pingEngine = async (signal: AbortSignal): Promise<void> => {
      await this.#parts.engine.ping(signal);
    };
    const timeoutSeconds = vm.bootTimeoutSeconds;
    const running = isRunning ? { spec: await driver.runningSpec() } : undefined;
    await host.prepare(settings, running && { attachment: running.spec?.network.attachment }, context.signal);
    if (running !== undefined) this.#comparePending(settings, running.spec, context);
    await this.#steps(
      [
        imageStep(settings),
        ...host.steps(settings),
        guest.prepareStep(),
        start.step(),
        ...guestSteps({
          ...{ boot, driver },
          isFreshBoot: () => start.isFreshBoot,
          exit: () => this.#exit?.detail,
          stall: () => this.#stall,
          hasLease: () => host.hasLease(),
          askedForAddress: () => host.askedForAddress(),
          pingEngine,
          configure: (signal, giveUp) => {
            const { isFreshBoot } = start;
            return guest.configure({ settings, timeoutSeconds, signal, giveUp, pingEngine, isFreshBoot });
          },
          bootTimeoutSeconds: timeoutSeconds,
        }),
      ],
      context,
    );
    this.#engine = await this.#parts.engine.version(context.signal);
    this.#engineReady = true;
    this.#isNetworkUp = true;
    await this.#parts.ports.audit();
    guest.follow();
  }

  #vmIsToStart(settings: Settings, context: OperationContext): void {
    this.#engineReady = false;
    this.#pending = [];
    this.#apply('vm.starting', undefined);
    const remark = oversized(settings, this.#parts.hostSize);
    if (remark !== undefined) this.#notice(remark, context);
  }

  #comparePending(settings: Settings, spec: VmSpec | undefined, context: OperationContext): void {
    const { driver, host, specFor } = this.#parts;
    const { accelerator } = driver.features;
    this.#pending = pendingSettings(settings, specFor(settings), {
      spec,
      accelerator,
      network: host.describe(),
    });
    if (this.#pending.length === 0) return;
    const changes = pendingText(this.#pending);
    this.#notice(
      `The running VM keeps what it was started with; \`mobyvm restart\` applies: ${changes}`,
      context,
    );
  }

  #notice(message: string, { emit, name }: OperationContext): void {
    this.#parts.logger.warn('operation.notice', { operation: name, message });
    emit({ event: 'operation.notice', operation: name, message });
  }

  #steps(steps: readonly Step[], context: OperationContext): Promise<void> {
    return runSteps(steps, { ...context, nowMs: () => Math.round(performance.now()) });
  }

  /** The machine is up and nobody is changing it. */
  #isQuiet(): boolean {
    return !this.isBusy && (this.#state === 'running' || this.#state === 'degraded');
  }

  async #isStalled(): Promise<boolean> {
    const stall = await letGoOn(this.#parts);
    if (stall === undefined) this.#stall = undefined;
    else this.#vmStalled(stall);
    return stall !== undefined;
  }

  async #probe(): Promise<EngineAnswer | undefined> {
    try {
      return await this.#parts.engine.ping(AbortSignal.timeout(PROBE_TIMEOUT_MS));
    } catch (error) {
      this.#parts.logger.debug('engine.ping.failed', { code: reportOf(error).code });
      return undefined;
    }
  }

  #begun(name: OperationName): void {
    this.#parts.logger.info('operation.begun', { operation: name });
    if (name !== 'up') this.#engineReady = false;
    this.#apply(`${name}.begun`, undefined);
  }

  #follow(event: OperationEvent): void {
    if (event.event === 'step.started') {
      this.#step = { id: event.step, title: event.title, detail: '', startedMs: performance.now() };
    } else if (event.event === 'step.progress') {
      if (this.#step?.id === event.step) this.#step.detail = event.detail;
      return;
    }
    logStep(event, this.#parts.logger);
    this.#notify();
  }

  #ended(outcome: OperationOutcome): void {
    this.#step = undefined;
    if (outcome.error === undefined) return this.#apply('operation.succeeded', undefined);
    this.#parts.logger.error('operation.failed', { operation: outcome.name, code: outcome.error.code });
    // An `up` of a running machine that was cancelled, or failed, has undone nothing that the machine needs.
    if (this.#engineReady && outcome.name === 'up') return this.#notify();
    const cancelled = outcome.cancelled && outcome.error.code === 'MOBYVM_ABORTED';
    this.#apply(cancelled ? 'operation.cancelled' : 'operation.failed', outcome.error);
  }

  #vmExited(exit: VmExit): void {
    this.#exit = exit;
    this.#engineReady = false;
    this.#parts.guest.unfollow();
    this.#parts.ports.guestLost();
    this.#parts.logger.warn('vm.exited', { reason: exit.reason, detail: exit.detail });
    if (this.#runner.current === undefined) this.#apply('vm.exited', reportOf(ended(exit)));
  }

  /** During a start the guest's steps see it themselves. */
  #vmStalled(error: MobyvmError): void {
    this.#stall = error;
    this.#apply('vm.stalled', reportOf(error));
  }

  #apply(event: MachineEvent, error: ErrorReport | undefined): void {
    const next = nextMachineState(this.#state, event);
    // What is wrong with a degraded machine may change; since when it is so does not.
    const isOtherError = next === 'degraded' && error !== undefined && error.code !== this.#error?.code;
    if (next === this.#state && isOtherError) {
      this.#error = error;
      this.#notify();
    }
    if (next === this.#state) return;
    this.#parts.logger.info('machine.state.changed', { from: this.#state, to: next });
    this.#state = next;
    this.#since = new Date().toISOString();
    this.#error = next === 'failed' || next === 'degraded' ? error : undefined;
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
