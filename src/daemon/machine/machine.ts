import {
  MobyvmError,
  reportOf,
  runSteps,
  type ErrorReport,
  type Logger,
  type Step,
  type StepContext,
} from '../../core/index.js';
import type { VmDriver, VmExit, VmSpec } from '../../vm/index.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { ControlledMachine } from '../control/server.js';
import type { MachineStatus, OperationEvent, OperationName, Requester } from '../control/protocol.js';
import type { GuestSide } from '../guest/index.js';
import type { Settings } from '../settings/schema.js';
import type { BootWatch } from './boot-watch.js';
import { guestSteps } from './guest-steps.js';
import type { HostSide } from './host-side.js';
import { nextMachineState, type MachineEvent, type MachineState } from './machine-state.plan.js';
import { OperationRunner, type OperationContext, type OperationOutcome } from './operation-runner.js';

/** `clockOffsetMs`: how far the guest's clock is ahead of ours, if the engine said its time. */
export interface EngineAnswer {
  readonly clockOffsetMs: number | undefined;
}

/** The engine in the VM, as far as the machine asks it anything. */
export interface EngineProbe {
  ping(signal: AbortSignal): Promise<EngineAnswer>;
  version(signal: AbortSignal): Promise<{ readonly version: string; readonly apiVersion: string }>;
}

export interface MachineParts {
  readonly driver: VmDriver;
  readonly boot: BootWatch;
  readonly host: HostSide;
  readonly guest: GuestSide;
  readonly kvp: KvpExchange;
  readonly engine: EngineProbe;
  readonly logger: Logger;
  readonly loadSettings: () => Promise<Settings>;
  readonly specFor: (settings: Settings) => VmSpec;
  readonly imageStep: (settings: Settings) => Step;
  readonly about: Pick<MachineStatus, 'daemon'> & {
    readonly machineId: string;
    readonly mac: string;
    readonly endpoint: string;
  };
}

/** Why the engine can or cannot be reached, for the engine endpoint. */
export type EngineState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'starting'; readonly step: string }
  | { readonly kind: 'failed'; readonly error: ErrorReport }
  | { readonly kind: 'stopped' };

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
  #step: { id: string; title: string; detail: string; startedMs: number } | undefined;
  #exit: VmExit | undefined;
  #engineReady = false;
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
  }

  get kvp(): KvpExchange {
    return this.#parts.kvp;
  }

  get state(): MachineState {
    return this.#state;
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

  async status(): Promise<MachineStatus> {
    const { driver, host, about, boot, guest } = this.#parts;
    const probe = this.#engineReady ? await this.#probe() : undefined;
    const { vm } = this.#settings;
    const { stage } = boot;
    const { accelerator } = driver.features;
    return {
      state: this.#state,
      since: this.#since,
      ...(this.#step === undefined
        ? {}
        : {
            step: {
              id: this.#step.id,
              title: this.#step.title,
              detail: this.#step.detail,
              elapsedMs: performance.now() - this.#step.startedMs,
            },
          }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
      daemon: about.daemon,
      vm: {
        driver: driver.name,
        state: await driver.state(AbortSignal.timeout(PROBE_TIMEOUT_MS)),
        ...(accelerator === undefined ? {} : { accelerator }),
        machineId: about.machineId,
        ...(stage === undefined ? {} : { stage: `${stage.stage}: ${stage.text}` }),
        cpus: vm.cpus,
        memoryMiB: vm.memoryMiB,
        firmware: vm.firmware,
      },
      ...(guest.facts === undefined ? {} : { guest: guest.facts }),
      network: { ...host.describe(), mac: about.mac },
      engine: {
        endpoint: about.endpoint,
        reachable: probe !== undefined,
        ...(probe === undefined ? {} : (this.#engine ?? {})),
        ...(probe?.clockOffsetMs === undefined ? {} : { clockOffsetMs: probe.clockOffsetMs }),
      },
    };
  }

  /** Asks the engine whether it answers, and takes note of what follows; called every few seconds. */
  async checkHealth(): Promise<void> {
    if (this.#state !== 'running' && this.#state !== 'degraded') return;
    const answered = (await this.#probe()) !== undefined;
    this.#apply(answered ? 'engine.back' : 'engine.lost', answered ? undefined : reportOf(engineLost()));
  }

  async #work(name: OperationName, context: OperationContext): Promise<void> {
    const { host } = this.#parts;
    if (name !== 'up') await this.#steps([this.#stopStep(), ...host.removeSteps()], context);
    if (name !== 'down') await this.#up(context);
  }

  async #up(context: OperationContext): Promise<void> {
    const { driver, boot, host, guest, imageStep, loadSettings, specFor } = this.#parts;
    const settings = await loadSettings();
    const isRunning = (await driver.state(context.signal)) === 'running';
    this.#settings = settings;
    this.#exit = undefined;
    let wasSaved = false;
    const pingEngine = async (signal: AbortSignal): Promise<void> => {
      await this.#parts.engine.ping(signal);
    };
    const timeoutSeconds = settings.vm.bootTimeoutSeconds;
    await host.prepare(settings, isRunning, context.signal);
    await this.#steps(
      [
        imageStep(settings),
        ...host.steps(settings),
        guest.prepareStep(),
        {
          id: 'vm',
          title: 'virtual machine',
          run: async (step) => {
            boot.start(step.progress);
            if (isRunning) await boot.catchUp();
            await driver.define(specFor(settings), step);
            wasSaved = (await driver.state(step.signal)) === 'saved';
            await (wasSaved ? driver.restore(step) : driver.start(step));
            return isRunning ? 'none' : 'create';
          },
        },
        ...guestSteps({
          boot,
          exit: () => this.#exit?.detail,
          hasLease: () => host.hasLease(),
          askedForAddress: () => host.askedForAddress(),
          pingEngine,
          configure: (signal, giveUp) => {
            const isFreshBoot = !isRunning && !wasSaved;
            return guest.configure({ settings, timeoutSeconds, signal, giveUp, pingEngine, isFreshBoot });
          },
          bootTimeoutSeconds: timeoutSeconds,
        }),
      ],
      context,
    );
    this.#engine = await this.#parts.engine.version(AbortSignal.timeout(PROBE_TIMEOUT_MS * 3));
    this.#engineReady = true;
    guest.follow();
  }

  #stopStep(): Step {
    const { driver } = this.#parts;
    return {
      id: 'vm',
      title: 'virtual machine',
      run: async (context: StepContext) => {
        this.#engineReady = false;
        this.#parts.guest.unfollow();
        const state = await driver.state(context.signal);
        if (state === 'absent' || state === 'off') return 'none';
        await driver.stop({ gracefulSeconds: this.#settings.vm.stopTimeoutSeconds }, context);
        return 'remove';
      },
    };
  }

  #steps(steps: readonly Step[], context: OperationContext): Promise<void> {
    return runSteps(steps, { ...context, nowMs: () => performance.now() });
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
    const { logger } = this.#parts;
    if (event.event === 'step.started') {
      this.#step = { id: event.step, title: event.title, detail: '', startedMs: performance.now() };
    } else if (event.event === 'step.progress' && this.#step !== undefined) {
      this.#step.detail = event.detail;
      return;
    } else if (event.event === 'step.done') {
      logger.info('step.done', {
        step: event.step,
        change: event.change,
        durationMs: Math.round(event.durationMs),
      });
    } else if (event.event === 'step.failed') {
      logger.error('step.failed', { step: event.step, code: event.error.code, message: event.error.message });
    } else if (event.event === 'step.undone') {
      logger.info('step.undone', { step: event.step });
    }
    this.#notify();
  }

  #ended(outcome: OperationOutcome): void {
    this.#step = undefined;
    if (outcome.error === undefined) return this.#apply('operation.succeeded', undefined);
    this.#parts.logger.error('operation.failed', { operation: outcome.name, code: outcome.error.code });
    // An `up` of a running machine that was cancelled, or failed, has undone nothing that the machine needs.
    if (this.#engineReady && outcome.name === 'up') return this.#apply('operation.succeeded', undefined);
    const cancelled = outcome.cancelled && outcome.error.code === 'MOBYVM_ABORTED';
    this.#apply(cancelled ? 'operation.cancelled' : 'operation.failed', outcome.error);
  }

  #vmExited(exit: VmExit): void {
    this.#exit = exit;
    this.#engineReady = false;
    this.#parts.guest.unfollow();
    this.#parts.logger.warn('vm.exited', { reason: exit.reason, detail: exit.detail });
    if (this.#runner.current === undefined) this.#apply('vm.exited', reportOf(ended(exit)));
  }

  #apply(event: MachineEvent, error: ErrorReport | undefined): void {
    const next = nextMachineState(this.#state, event);
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

function ended(exit: VmExit): MobyvmError {
  return exit.reason === 'guest'
    ? new MobyvmError(
        'MOBYVM_VM_DIED',
        `The VM was shut down from inside: ${withoutPeriod(exit.detail)}.`,
        'Start it again with `mobyvm up`.',
      )
    : new MobyvmError(
        'MOBYVM_VM_DIED',
        `The VM ended unexpectedly: ${withoutPeriod(exit.detail)}.`,
        'Start it again with `mobyvm up`; the console log may tell why it ended (`mobyvm console`).',
      );
}

function engineLost(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    'The VM runs, but its Docker Engine does not answer.',
    'Wait a moment; if it stays like this look at `mobyvm console` and use `mobyvm restart`.',
  );
}

function withoutPeriod(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
