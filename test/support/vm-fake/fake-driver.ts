import {
  diskFullError,
  waitFor,
  type EnsureContext,
  type StepContext,
} from '../../../src/core/host/index.js';
import { MobyvmError, type Mac } from '../../../src/core/values/index.js';
import type {
  Defined,
  DriverFeatures,
  StopOptions,
  StopOutcome,
  VmConsole,
  VmDriver,
  VmExit,
  VmSpec,
  VmStall,
  VmState,
} from '../../../src/vm/driver.js';
import { stalledError } from '../../../src/vm/stalled.js';
import { FAKE_BOOT_LINES, FakeWorld } from './fake-world.js';

export type FakeStep =
  'state' | 'define' | 'start' | 'resume' | 'stop' | 'powerOff' | 'save' | 'restore' | 'remove';

export interface FakeDriverOptions {
  /** The machines' world; a new one if absent. */
  readonly world?: FakeWorld;
  /** Errors that calls end with. Looked at on every call: the object may be changed while the driver is used. */
  readonly failAt?: Partial<Record<FakeStep, Error>>;
  /** Calls that never end until their signal is aborted; likewise. */
  readonly hangAt?: Partial<Record<FakeStep, boolean>>;
  readonly bootLines?: readonly string[];
  /** Milliseconds between two lines of the boot; 5 if absent. */
  readonly lineEveryMs?: number;
  /** The guest never reacts to the power button. */
  readonly isDeaf?: boolean;
  /** Free space of the imaginary host in GiB; unlimited if absent. */
  readonly freeGiB?: number;
}

/** A driver whose machines exist in memory only. It keeps to the contract: the suite in test/contract runs on it. */
export class FakeDriver implements VmDriver {
  readonly name = 'fake';
  readonly features: DriverFeatures = { growsDiskOnline: true, accelerator: 'fake' };
  readonly console: VmConsole;
  readonly world: FakeWorld;
  readonly #options: FakeDriverOptions;
  readonly #unsubscribe = new Set<() => void>();

  constructor(options: FakeDriverOptions = {}) {
    this.#options = options;
    this.world = options.world ?? new FakeWorld();
    const { world } = this;
    this.console = {
      logPath: '(in memory)',
      tail: (maxLines) => Promise.resolve(maxLines <= 0 ? [] : world.consoleLines.slice(-maxLines)),
      onLine: (listener) => this.#subscribe(world.lineListeners, listener),
    };
  }

  async state(signal: AbortSignal): Promise<VmState> {
    await this.#begin('state', signal);
    const { world } = this;
    if (world.runState !== undefined) return world.runState;
    if (world.definition === undefined) return 'absent';
    return world.saved === undefined ? 'off' : 'saved';
  }

  definition(): Promise<VmSpec | undefined> {
    return Promise.resolve(this.world.definition);
  }

  runningSpec(): Promise<VmSpec | undefined> {
    return Promise.resolve(this.world.runningSpec);
  }

  savedBytes(): Promise<number | undefined> {
    const { saved } = this.world;
    return Promise.resolve(saved === undefined ? undefined : saved.spec.memoryMiB * 1024 ** 2);
  }

  async define(spec: VmSpec, context: EnsureContext): Promise<Defined> {
    await this.#begin('define', context.signal);
    const { disks } = this.world;
    const { path, sizeGiB } = spec.dataDisk;
    const previous = this.world.definition;
    const present = disks.get(path);
    if (present === undefined) {
      if (sizeGiB > (this.#options.freeGiB ?? Infinity)) throw diskFullError(path, undefined);
      context.onFailure(() => Promise.resolve(void disks.delete(path)));
    }
    if (this.world.saved === undefined) disks.set(path, Math.max(sizeGiB, present ?? 0));
    context.onFailure(() => {
      this.world.definition = previous;
      return Promise.resolve();
    });
    this.world.definition = copied(spec);
    return { diskGiB: disks.get(path) ?? sizeGiB };
  }

  async start(context: EnsureContext): Promise<void> {
    await this.#begin('start', context.signal);
    const { world } = this;
    if (world.definition === undefined)
      throw wrongState('No virtual machine is defined.', 'Define it first.');
    if (this.#runsAlready()) return;
    if (world.saved !== undefined) throw wrongState('The virtual machine is saved.', 'Restore it.');
    context.progress('starting the fake machine');
    world.boot(this.#options.bootLines ?? FAKE_BOOT_LINES, this.#options.lineEveryMs ?? 5);
    this.#undoByPowerOff(context);
  }

  async resume(signal: AbortSignal): Promise<void> {
    await this.#begin('resume', signal);
    this.#resumeIfStalled();
  }

  async stop({ gracefulSeconds }: StopOptions, { signal }: StepContext): Promise<StopOutcome> {
    await this.#begin('stop', signal);
    const { world } = this;
    if (world.runState === undefined) return 'clean';
    if (
      gracefulSeconds > 0 &&
      world.runState === 'running' &&
      (await this.#hearsButtonWithin(gracefulSeconds, signal))
    ) {
      world.shutDown(byHost('it was asked to shut down'));
      return 'clean';
    }
    world.end(byHost('it was powered off'));
    return 'forced';
  }

  async powerOff({ signal }: StepContext): Promise<void> {
    await this.#begin('powerOff', signal);
    this.world.end(byHost('it was powered off'));
    this.world.saved = undefined;
  }

  async save({ signal }: StepContext): Promise<void> {
    await this.#begin('save', signal);
    const { world } = this;
    if (world.runState === undefined) {
      if (world.saved !== undefined) return;
      throw wrongState('There is no running virtual machine to save.', 'Start it first.');
    }
    if (world.definition === undefined || world.runState === 'crashed') {
      throw new MobyvmError('MOBYVM_VM_SAVE', 'The fake machine does not answer.', 'Power it off.');
    }
    const { uptimeMs } = world;
    world.end(byHost('its memory was saved'));
    world.saved = { spec: world.definition, uptimeMs };
  }

  async restore(context: EnsureContext): Promise<void> {
    await this.#begin('restore', context.signal);
    const { world } = this;
    if (this.#runsAlready()) return;
    if (world.saved === undefined) throw wrongState('There is no saved state.', 'Start it instead.');
    world.resume(world.saved);
    world.saved = undefined;
    this.#undoByPowerOff(context);
  }

  async remove({ dataDisk }: { readonly dataDisk: boolean }, { signal }: StepContext): Promise<void> {
    await this.#begin('remove', signal);
    const { world } = this;
    world.end(byHost('it was removed'));
    world.saved = undefined;
    if (dataDisk && world.definition !== undefined) world.disks.delete(world.definition.dataDisk.path);
    world.definition = undefined;
    world.consoleLines.length = 0;
  }

  onExit(listener: (exit: VmExit) => void): () => void {
    return this.#subscribe(this.world.exitListeners, listener);
  }

  onStall(listener: (stall: VmStall) => void): () => void {
    return this.#subscribe(this.world.stallListeners, listener);
  }

  close(): Promise<void> {
    for (const unsubscribe of [...this.#unsubscribe]) unsubscribe();
    return Promise.resolve();
  }

  /** The machine ends as if its process had been killed. */
  crash(detail = 'The fake machine was killed.'): void {
    this.world.end({ reason: 'died', detail });
  }

  /** Fails or hangs where it was told to. */
  async #begin(step: FakeStep, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#options.hangAt?.[step] === true) await forever(step, signal);
    const error = this.#options.failAt?.[step];
    if (error !== undefined) throw error;
  }

  #runsAlready(): boolean {
    if (this.world.runState === 'crashed') {
      throw wrongState('The virtual machine has crashed.', 'Power it off first.');
    }
    this.#resumeIfStalled();
    if (this.world.runState === 'paused') this.world.unstall();
    return this.world.runState !== undefined;
  }

  #resumeIfStalled(): void {
    if (this.world.runState !== 'stalled') return;
    if (this.world.stall !== undefined) throw stalledError(this.world.stall);
    this.world.unstall();
  }

  async #hearsButtonWithin(seconds: number, signal: AbortSignal): Promise<boolean> {
    const heard = {
      title: 'the fake guest to hear the power button',
      check: () => Promise.resolve(this.world.hearsPowerButton && this.#options.isDeaf !== true),
      timeoutSeconds: seconds,
      hint: '',
      everyMs: 5,
    };
    try {
      await waitFor(heard, signal);
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  #undoByPowerOff({ onFailure }: EnsureContext): void {
    onFailure(() => {
      this.world.end(byHost('its start was undone'));
      return Promise.resolve();
    });
  }

  #subscribe<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void): () => void {
    const own = (value: T): void => listener(value);
    listeners.add(own);
    const unsubscribe = (): void => {
      listeners.delete(own);
      this.#unsubscribe.delete(unsubscribe);
    };
    this.#unsubscribe.add(unsubscribe);
    return unsubscribe;
  }
}

function byHost(detail: string): VmExit {
  return { reason: 'host', detail: `The fake machine ended: ${detail}.` };
}

function wrongState(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_VM_STATE', message, remedy);
}

/** What was defined must not change when the caller's object does. */
function copied(spec: VmSpec): VmSpec {
  const mac: Mac = spec.network.mac;
  return { ...spec, dataDisk: { ...spec.dataDisk }, network: { attachment: spec.network.attachment, mac } };
}

async function forever(step: FakeStep, signal: AbortSignal): Promise<void> {
  const never = {
    title: `"${step}", which was told to hang`,
    check: () => Promise.resolve(false),
    timeoutSeconds: 24 * 3600,
    hint: '',
    everyMs: 1_000,
  };
  await waitFor(never, signal);
}
