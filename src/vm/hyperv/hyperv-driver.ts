import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Listeners, type EnsureContext, makeFolder, type StepContext } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type {
  Defined,
  DriverFeatures,
  StopOptions,
  VmConsole,
  VmDriver,
  VmExit,
  VmSpec,
  VmStall,
  VmState,
} from '../driver.js';
import { stalledByFullDisk } from '../stalled.js';
import { removeFolderIfEmpty } from '../definition.js';
import { ConsoleCapture } from './console-capture.js';
import { dataDiskBytes, ensureDataDisk } from './data-disk.js';
import { ExitWatch } from './exit-watch.js';
import { findMachine, type FoundMachine } from './find-machine.js';
import { withoutEffect } from './hyperv-failure.js';
import { hypervSetup, type HypervDriverOptions, type HypervSetup } from './hyperv-setup.js';
import {
  resumeMachine,
  saveMachine,
  settled,
  shutDownGuest,
  startMachine,
  turnOff,
} from './machine-calls.js';
import { checkDisks, checkRemoval, ensureMachine, removeMachine } from './make-machine.js';
import { isLive } from './vm-state.plan.js';

const GIB = 1024 ** 3;
/** Below this a stalled machine would stand still again at once. */
const ROOM_BYTES = 64 * 1024 ** 2;

/**
 * A virtual machine of Hyper-V, driven by PowerShell. Hyper-V tells of no end by itself: a running machine is looked at every few
 * seconds.
 *
 * INVARIANTS: `#isLive` is true from the first look that saw the machine run until its end has been told, exactly once. `#capture` is
 * there while it is true.
 */
export class HypervDriver implements VmDriver {
  readonly name = 'hyperv';
  readonly features: DriverFeatures = { growsDiskOnline: true, accelerator: undefined };
  readonly console: VmConsole;
  readonly #setup: HypervSetup;
  readonly #watch: ExitWatch;
  readonly #exits = new Listeners<VmExit>();
  readonly #stalls = new Listeners<VmStall>();
  #capture: ConsoleCapture | undefined;
  #isLive = false;
  /** From before it is started until it has settled. */
  #isComingUp = false;
  #isStallTold = false;
  #telling: Promise<void> | undefined;
  /** Why the machine's end is ours, while we bring it about. */
  #intent: string | undefined;

  constructor(options: HypervDriverOptions) {
    this.#setup = hypervSetup(options);
    this.console = this.#setup.console;
    const { logger, lookSeconds } = this.#setup;
    this.#watch = new ExitWatch({
      ...{ everySeconds: lookSeconds, logger },
      look: async (signal) => (await this.#look(signal))?.state ?? 'absent',
    });
  }

  async state(signal: AbortSignal): Promise<VmState> {
    signal.throwIfAborted();
    const found = await this.#look(signal);
    // Without its definition nothing could be done with it but to remove it.
    if ((await this.definition()) === undefined) return 'absent';
    return found?.state ?? 'absent';
  }

  async definition(): Promise<VmSpec | undefined> {
    return (await this.#setup.definition.read())?.spec;
  }

  async runningSpec(): Promise<VmSpec | undefined> {
    const found = await this.#look(new AbortController().signal);
    return found !== undefined && isLive(found.state) ? (await this.#setup.started.read())?.spec : undefined;
  }

  async define(spec: VmSpec, context: EnsureContext): Promise<Defined> {
    const { signal } = context;
    signal.throwIfAborted();
    const { definition, powerShell } = this.#setup;
    const previous = await definition.read();
    context.onFailure(() => removeFolderIfEmpty(this.#setup.stateDirectory));
    const found = await settled(this.#setup, signal);
    const mayChange = await checkDisks(this.#setup, found, spec, signal);
    // A saved guest knows its disk's size: it stays as it is until the memory is used or discarded.
    const diskGiB =
      found?.state === 'saved' || !mayChange
        ? (await dataDiskBytes(powerShell, spec.dataDisk.path, signal)) / GIB
        : await ensureDataDisk(powerShell, spec.dataDisk, context);
    if (found === undefined || found.state === 'off') await ensureMachine(this.#setup, spec, context);
    context.onFailure(async () => {
      if (previous === undefined) await definition.remove();
      else await definition.write(previous);
    });
    await definition.write({ format: 1, spec });
    return { diskGiB };
  }

  async start(context: EnsureContext): Promise<void> {
    const { signal } = context;
    signal.throwIfAborted();
    const spec = await this.definition();
    const found = await settled(this.#setup, signal);
    if (spec === undefined || found === undefined)
      throw wrongState('No virtual machine is defined.', 'Run `mobyvm up`.');
    if (await this.#goOnIfLive(found, signal)) return;
    if (found.state === 'saved')
      throw wrongState('The virtual machine is saved.', 'Restore it, or discard its saved state first.');
    await checkDisks(this.#setup, found, spec, signal);
    await ensureDataDisk(this.#setup.powerShell, spec.dataDisk, context);
    const machine = await ensureMachine(this.#setup, spec, context);
    context.onFailure(() => this.#setup.started.remove());
    await this.#setup.started.write({ format: 1, spec });
    context.progress('starting the virtual machine');
    await this.#bringUp(machine, 'MOBYVM_VM_START', context);
  }

  async resume(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const found = await this.#look(signal);
    if (found?.state === 'stalled') await this.#goOnStalled(found, signal);
  }

  async stop({ gracefulSeconds }: StopOptions, { signal, progress }: StepContext): Promise<void> {
    signal.throwIfAborted();
    const found = await this.#look(signal);
    if (found === undefined || !isLive(found.state)) return;
    const isDeaf = gracefulSeconds <= 0 || found.state !== 'running';
    await this.#endWith('it was asked to shut down', signal, async () => {
      if (!isDeaf && (await shutDownGuest(this.#setup, found, { gracefulSeconds, signal }))) return;
      this.#intent = 'it was powered off';
      progress('powering off');
      await turnOff(this.#setup, found, signal);
    });
  }

  async powerOff({ signal }: StepContext): Promise<void> {
    signal.throwIfAborted();
    const found = await this.#look(signal);
    if (found === undefined) return;
    await this.#endWith('it was powered off', signal, () => turnOff(this.#setup, found, signal));
    await this.#setup.started.remove();
  }

  async save({ signal }: StepContext): Promise<void> {
    signal.throwIfAborted();
    const found = await settled(this.#setup, signal);
    if (found?.state === 'saved') return;
    if (found === undefined || !isLive(found.state))
      throw wrongState('There is no running virtual machine to save.', 'Start it first.');
    await this.#look(signal);
    await this.#endWith('its memory was saved', signal, () => saveMachine(this.#setup, found, signal));
    if ((await settled(this.#setup, signal))?.state !== 'saved')
      throw withoutEffect('The virtual machine was not saved', 'MOBYVM_VM_SAVE');
  }

  async restore(context: EnsureContext): Promise<void> {
    const { signal } = context;
    signal.throwIfAborted();
    const found = await settled(this.#setup, signal);
    if (found !== undefined && (await this.#goOnIfLive(found, signal))) return;
    if (found?.state !== 'saved')
      throw wrongState('The virtual machine has no saved state.', 'Start it instead.');
    await this.#bringUp(found, 'MOBYVM_VM_RESTORE', context);
  }

  async remove({ dataDisk }: { readonly dataDisk: boolean }, context: StepContext): Promise<void> {
    // A definition that cannot be read must not stand in the way of its own removal.
    const spec = await this.definition().catch(() => undefined);
    const found = await this.#look(context.signal);
    // A saved state goes with its machine, also one that cannot be discarded.
    if (found !== undefined) await checkRemoval(this.#setup, found, context.signal);
    if (found !== undefined && isLive(found.state)) await this.powerOff(context);
    await removeMachine(this.#setup, context.signal);
    if (dataDisk && spec !== undefined) await rm(spec.dataDisk.path, { force: true });
    await this.#setup.console.remove();
    await this.#setup.definition.remove();
    await this.#setup.started.remove();
    await removeFolderIfEmpty(this.#setup.stateDirectory);
  }

  onExit(listener: (exit: VmExit) => void): () => void {
    return this.#exits.add(listener);
  }

  onStall(listener: (stall: VmStall) => void): () => void {
    return this.#stalls.add(listener);
  }

  async close(): Promise<void> {
    this.#watch.stop();
    this.#isLive = false;
    await this.#endCapture();
  }

  /** Observes, and tells of what has changed since: an end, a stall, a machine to adopt. */
  async #look(signal: AbortSignal): Promise<FoundMachine | undefined> {
    const found = await findMachine(this.#setup.powerShell, this.#setup, signal);
    // What was seen before it came up is no end.
    if (this.#isComingUp && (found === undefined || !isLive(found.state))) return found;
    if (found === undefined || !isLive(found.state)) {
      await this.#noteEnd(found?.state === 'saved' ? 'Its state was saved by Hyper-V.' : undefined);
      return found;
    }
    if (!this.#isLive) await this.#noteLife('end');
    if (found.state === 'stalled') await this.#tellStall();
    else this.#isStallTold = false;
    return found;
  }

  /** Starts or continues it; leaves it as it was when that fails. */
  async #bringUp(
    found: FoundMachine,
    code: 'MOBYVM_VM_START' | 'MOBYVM_VM_RESTORE',
    { signal, onFailure }: EnsureContext,
  ): Promise<void> {
    const later = new AbortController().signal;
    onFailure(async () => {
      const present = await findMachine(this.#setup.powerShell, this.#setup, later);
      if (present === undefined || !isLive(present.state)) return;
      await this.#endWith('its start was undone', later, () => turnOff(this.#setup, present, later));
    });
    if (code === 'MOBYVM_VM_START') await this.#setup.console.rotate();
    this.#isComingUp = true;
    await this.#noteLife('start');
    try {
      await startMachine(this.#setup, found, { signal, code });
      const state = (await settled(this.#setup, signal))?.state;
      if (state !== 'running') throw withoutEffect('The virtual machine was not started', code);
    } catch (error) {
      // What did not start has not ended either.
      this.#isLive = false;
      this.#watch.stop();
      await this.#endCapture();
      throw error;
    } finally {
      this.#isComingUp = false;
    }
  }

  /** @returns false when it does not run */
  async #goOnIfLive(found: FoundMachine, signal: AbortSignal): Promise<boolean> {
    if (!isLive(found.state)) return false;
    if (found.state === 'crashed')
      throw wrongState(
        `The virtual machine cannot go on: Hyper-V says "${found.stateName}".`,
        'Power it off first.',
      );
    if (found.state === 'stalled') await this.#goOnStalled(found, signal);
    if (found.state === 'paused') await resumeMachine(this.#setup, found, signal);
    await this.#look(signal);
    return true;
  }

  async #goOnStalled(found: FoundMachine, signal: AbortSignal): Promise<void> {
    const stall = await this.#stall();
    if (stall.freeBytes < ROOM_BYTES) throw stalledByFullDisk(stall);
    await resumeMachine(this.#setup, found, signal);
    if ((await settled(this.#setup, signal))?.state === 'stalled') throw stalledByFullDisk(stall);
  }

  async #stall(): Promise<VmStall> {
    const spec = await this.definition();
    const folder = dirname(spec?.dataDisk.path ?? this.#setup.stateDirectory);
    try {
      return { folder, freeBytes: await this.#setup.freeBytes(folder) };
    } catch (error) {
      throw new MobyvmError(
        'MOBYVM_DATA_DISK',
        `The VM stands still: ${folder} cannot be reached (${textOf(error)}).`,
        'Connect or unlock the drive, then run `mobyvm up` again.',
        { cause: error },
      );
    }
  }

  async #tellStall(): Promise<void> {
    if (this.#isStallTold) return;
    this.#isStallTold = true;
    const stall = await this.#stall().catch((error: unknown) => {
      // Told as soon as the folder can be reached.
      this.#isStallTold = false;
      this.#setup.logger.warn('vm.stall.unknown', { error: textOf(error) });
    });
    if (stall === undefined) return;
    this.#setup.logger.error('vm.stalled', { ...stall });
    this.#stalls.emit(stall);
  }

  async #noteLife(from: 'start' | 'end'): Promise<void> {
    this.#isLive = true;
    this.#isStallTold = false;
    const { consolePipe: pipe, console: log, logger } = this.#setup;
    await makeFolder(dirname(log.logPath));
    await log.follow(from);
    this.#capture ??= new ConsoleCapture({ pipe, logPath: log.logPath, logger });
    this.#watch.start();
  }

  /** Tells of the end of a machine that was running, once; whoever sees it as well returns when it has been told. */
  async #noteEnd(how?: string): Promise<void> {
    if (this.#isLive) {
      this.#isLive = false;
      this.#telling = this.#tellEnd(how);
    }
    await this.#telling;
  }

  async #tellEnd(how = 'It is off, and mobyvm has not switched it off.'): Promise<void> {
    const exit: VmExit =
      this.#intent === undefined
        ? { reason: 'died', detail: `The virtual machine has ended. ${how}` }
        : { reason: 'host', detail: `The virtual machine has ended: ${this.#intent}.` };
    await this.#endCapture();
    this.#setup.logger.info('vm.ended', { ...exit });
    this.#exits.emit(exit);
  }

  async #endCapture(): Promise<void> {
    const capture = this.#capture;
    this.#capture = undefined;
    await capture?.close();
    await this.#setup.console.unfollow();
  }

  /** Ends a machine on purpose; returns when its end has been told. */
  async #endWith(intent: string, signal: AbortSignal, end: () => Promise<void>): Promise<void> {
    this.#intent = intent;
    try {
      await end();
      await this.#look(signal);
    } finally {
      this.#intent = undefined;
    }
  }
}

function wrongState(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_VM_STATE', message, remedy);
}
