// Over 400 lines: the calls of the VmDriver contract share the invariants of one class. What each of them does is in the files
// beside this one.
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Listeners, type EnsureContext, makeFolder, type StepContext } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
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
} from '../driver.js';
import { stalledError } from '../stalled.js';
import { removeFolderIfEmpty } from '../definition.js';
import { ConsoleCapture } from './console-capture.js';
import { dataDiskBytes, ensureDataDisk } from './data-disk.js';
import { ExitWatch } from './exit-watch.js';
import { findMachine, type FoundMachine } from './find-machine.js';
import { withoutEffectError } from './hyperv-error.js';
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
import { readMachine, type MachineReading } from './read-hardware.js';
import { isLive } from './vm-state.plan.js';

const GIB = 1024 ** 3;
/** With less free space a stalled machine would stall again at once. */
const LEAST_FREE_BYTES = 64 * 1024 ** 2;
/** How long `start` and `restore` may rely on what `define` has just read and set. */
const PREPARED_MS = 10_000;
/** How long `runningSpec` may rely on the state that `state` has just read. */
const RECENT_MS = 1_000;

/** What `define` has found out and brought about, for the call that follows it. */
interface Prepared {
  readonly spec: VmSpec;
  readonly machine: FoundMachine;
  readonly atMs: number;
}

/**
 * A virtual machine of Hyper-V, driven by PowerShell. Hyper-V does not notify us when a machine ends, so a
 * running machine is checked every few seconds.
 *
 * INVARIANTS: `#isLive` is true from the first look that saw the machine running until its end has been
 * reported, exactly once. `#capture` exists while it is true. `#prepared` is set by `define` only, used once,
 * and dropped by every other call that changes the machine.
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
  #isStallReported = false;
  #reporting: Promise<void> | undefined;
  /** What we are ending the machine for, while we do. */
  #intent: string | undefined;
  #prepared: Prepared | undefined;
  #recent: { readonly found: FoundMachine | undefined; readonly atMs: number } | undefined;
  /** The disk of the machine that has been running since, as it was last measured. */
  #measured: { readonly path: string; readonly bytes: number } | undefined;

  constructor(options: HypervDriverOptions) {
    this.#setup = hypervSetup(options);
    this.console = this.#setup.console;
    const { logger, lookSeconds } = this.#setup;
    this.#watch = new ExitWatch({
      everySeconds: lookSeconds,
      logger,
      look: async (signal) => (await this.#look(signal))?.state ?? 'absent',
    });
  }

  async state(signal: AbortSignal): Promise<VmState> {
    signal.throwIfAborted();
    // Without its definition all that could be done with a machine is to remove it.
    if (!this.#isLive && (await this.definition()) === undefined) return 'absent';
    const found = await this.#look(signal);
    if ((await this.definition()) === undefined) return 'absent';
    return found?.state ?? 'absent';
  }

  /**
   * Hyper-V's GUID of our machine, by which WMI knows it; undefined while there is none. Makes no call to
   * Hyper-V.
   */
  async machineGuid(): Promise<string | undefined> {
    return this.#recent?.found?.id ?? (await this.#setup.identity.read().catch(() => undefined))?.vmId;
  }

  async definition(): Promise<VmSpec | undefined> {
    return (await this.#setup.definition.read())?.spec;
  }

  async runningSpec(): Promise<VmSpec | undefined> {
    const recent = this.#recent;
    const isRecent = recent !== undefined && performance.now() - recent.atMs < RECENT_MS;
    const found = isRecent ? recent.found : await this.#look(new AbortController().signal);
    return found !== undefined && isLive(found.state) ? (await this.#setup.started.read())?.spec : undefined;
  }

  /** Hyper-V keeps it in a file of its own choice. */
  savedBytes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async define(spec: VmSpec, context: EnsureContext): Promise<Defined> {
    const { signal } = context;
    signal.throwIfAborted();
    const { definition } = this.#setup;
    const previous = await definition.read();
    this.#prepared = undefined;
    context.onFailure(() => removeFolderIfEmpty(this.#setup.stateDirectory));
    const found = await settled((either) => this.#read(either), signal);
    const diskGiB = (await this.#ensureDisk(spec, found, context)) / GIB;
    const machine =
      found === undefined || found.state === 'off'
        ? await ensureMachine(this.#setup, spec, found, context)
        : found;
    context.onFailure(async () => {
      this.#prepared = undefined;
      if (previous === undefined) await definition.remove();
      else await definition.write(previous);
    });
    await definition.write({ format: 1, spec });
    this.#prepared = { spec, machine, atMs: performance.now() };
    return { diskGiB };
  }

  async start(context: EnsureContext): Promise<void> {
    const { signal } = context;
    signal.throwIfAborted();
    const prepared = this.#takePrepared();
    const spec = prepared?.spec ?? (await this.definition());
    const reading =
      prepared === undefined ? await settled((either) => this.#read(either), signal) : undefined;
    const found = prepared?.machine ?? reading;
    if (spec === undefined || found === undefined)
      throw wrongStateError('No virtual machine is defined.', 'Run `mobyvm up`.');
    if (await this.#resumeIfLive(found, signal)) return;
    if (found.state === 'saved')
      throw wrongStateError('The virtual machine is saved.', 'Restore it, or discard its saved state first.');
    const machine = reading === undefined ? found : await this.#prepare(spec, reading, context);
    context.onFailure(() => this.#setup.started.remove());
    await this.#setup.started.write({ format: 1, spec });
    context.progress('starting the virtual machine');
    await this.#bringUp(machine, 'MOBYVM_VM_START', context);
  }

  async resume(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const found = await this.#look(signal);
    if (found?.state === 'stalled') await this.#resumeStalled(found, signal);
  }

  async stop({ gracefulSeconds }: StopOptions, { signal, progress }: StepContext): Promise<StopOutcome> {
    signal.throwIfAborted();
    const found = await this.#look(signal);
    let outcome: StopOutcome = 'clean';
    if (found === undefined || !isLive(found.state)) return outcome;
    const isDeaf = gracefulSeconds <= 0 || found.state !== 'running';
    await this.#endWith('it was asked to shut down', async () => {
      const ended = isDeaf ? undefined : await shutDownGuest(this.#setup, found, { gracefulSeconds, signal });
      if (ended !== undefined) return this.#note(ended.found);
      outcome = 'forced';
      this.#intent = 'it was powered off';
      progress('powering off');
      await turnOff(this.#setup, found, signal);
      await this.#look(signal);
    });
    return outcome;
  }

  async powerOff({ signal }: StepContext): Promise<void> {
    signal.throwIfAborted();
    const found = await this.#look(signal);
    if (found === undefined) return;
    await this.#endWith('it was powered off', async () => {
      await turnOff(this.#setup, found, signal);
      await this.#look(signal);
    });
    await this.#setup.started.remove();
  }

  async save({ signal }: StepContext): Promise<void> {
    signal.throwIfAborted();
    const found = await this.#settled(signal);
    if (found?.state === 'saved') return;
    if (found === undefined || !isLive(found.state))
      throw wrongStateError('There is no running virtual machine to save.', 'Start it first.');
    let after: FoundMachine | undefined;
    await this.#endWith('its memory was saved', async () => {
      await saveMachine(this.#setup, found, signal);
      after = await this.#settled(signal);
    });
    if (after?.state !== 'saved')
      throw withoutEffectError('The virtual machine was not saved', 'MOBYVM_VM_SAVE');
  }

  async restore(context: EnsureContext): Promise<void> {
    const { signal } = context;
    signal.throwIfAborted();
    const found = this.#takePrepared()?.machine ?? (await this.#settled(signal));
    if (found !== undefined && (await this.#resumeIfLive(found, signal))) return;
    if (found?.state !== 'saved')
      throw wrongStateError('The virtual machine has no saved state.', 'Start it instead.');
    await this.#bringUp(found, 'MOBYVM_VM_RESTORE', context);
  }

  async remove({ dataDisk }: { readonly dataDisk: boolean }, context: StepContext): Promise<void> {
    // A definition that cannot be read must not prevent its own removal.
    const spec = await this.definition().catch(() => undefined);
    const found = await this.#look(context.signal);
    // A saved state is removed with its machine, even one that cannot be discarded.
    if (found !== undefined) await checkRemoval(this.#setup, found, context.signal);
    if (found !== undefined && isLive(found.state)) await this.powerOff(context);
    await removeMachine(this.#setup, context.signal);
    this.#prepared = undefined;
    this.#recent = undefined;
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

  /** Reads the machine, and reports what has changed since: an end, a stall, a machine to adopt. */
  async #look(signal: AbortSignal): Promise<FoundMachine | undefined> {
    const found = await findMachine(this.#setup, signal);
    await this.#note(found);
    return found;
  }

  /** Like {@link #look}, with the hardware. */
  async #read(signal: AbortSignal): Promise<MachineReading | undefined> {
    const found = await readMachine(this.#setup, signal);
    await this.#note(found);
    return found;
  }

  #settled(signal: AbortSignal): Promise<FoundMachine | undefined> {
    return settled((either) => this.#look(either), signal);
  }

  async #note(found: FoundMachine | undefined): Promise<void> {
    this.#recent = { found, atMs: performance.now() };
    const isUp = found !== undefined && isLive(found.state);
    if (!isUp) this.#measured = undefined;
    // What was seen before the machine came up is not its end.
    if (this.#isComingUp && !isUp) return;
    if (!isUp) return this.#noteEnd(found?.state === 'saved' ? 'Hyper-V has saved its state.' : undefined);
    if (!this.#isLive) await this.#noteLife('end');
    if (found.state === 'stalled') await this.#reportStall();
    else this.#isStallReported = false;
  }

  /** What `define` has prepared, once and only for a short while: then the machine is read again. */
  #takePrepared(): Prepared | undefined {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    return prepared !== undefined && performance.now() - prepared.atMs < PREPARED_MS ? prepared : undefined;
  }

  /** Disk and hardware as the definition has them, for a machine that is off. */
  async #prepare(spec: VmSpec, found: MachineReading, context: EnsureContext): Promise<FoundMachine> {
    checkDisks(found, spec);
    await ensureDataDisk(this.#setup.powerShell, spec.dataDisk, context);
    return ensureMachine(this.#setup, spec, found, context);
  }

  /** @returns the size of the data disk in bytes */
  async #ensureDisk(
    { dataDisk, ...spec }: VmSpec,
    found: MachineReading | undefined,
    context: EnsureContext,
  ): Promise<number> {
    const { powerShell } = this.#setup;
    const mayChange = checkDisks(found, { dataDisk, ...spec });
    const known = this.#measured?.path === dataDisk.path ? this.#measured.bytes : undefined;
    const isUp = found !== undefined && isLive(found.state);
    // The disk of a running machine can grow but not shrink.
    if (isUp && known !== undefined && known >= dataDisk.sizeGiB * GIB) return known;
    // A saved guest relies on the size of its disk, until its memory is restored or discarded.
    const bytes =
      found?.state === 'saved' || !mayChange
        ? await dataDiskBytes(powerShell, dataDisk.path, context.signal)
        : await ensureDataDisk(powerShell, dataDisk, context);
    this.#measured = { path: dataDisk.path, bytes };
    return bytes;
  }

  /** Starts or restores the machine; leaves it as it was when that fails. */
  async #bringUp(
    found: FoundMachine,
    code: 'MOBYVM_VM_START' | 'MOBYVM_VM_RESTORE',
    { signal, onFailure }: EnsureContext,
  ): Promise<void> {
    const later = new AbortController().signal;
    onFailure(async () => {
      const present = await findMachine(this.#setup, later);
      if (present === undefined || !isLive(present.state)) return;
      await this.#endWith('its start was undone', async () => {
        await turnOff(this.#setup, present, later);
        await this.#look(later);
      });
    });
    if (code === 'MOBYVM_VM_START') await this.#setup.console.rotate();
    this.#isComingUp = true;
    await this.#noteLife('start');
    try {
      const started = await startMachine(this.#setup, found, { signal, code });
      const state = started === 'running' ? started : (await this.#settled(signal))?.state;
      if (state !== 'running') throw withoutEffectError('The virtual machine was not started', code);
    } catch (error) {
      // A machine that did not start has no end to report.
      this.#isLive = false;
      this.#watch.stop();
      await this.#endCapture();
      throw error;
    } finally {
      this.#isComingUp = false;
    }
  }

  /** @returns false when it is not running */
  async #resumeIfLive(found: FoundMachine, signal: AbortSignal): Promise<boolean> {
    if (!isLive(found.state)) return false;
    if (found.state === 'crashed')
      throw wrongStateError(
        `The virtual machine has failed: Hyper-V reports its state as "${found.stateName}".`,
        'Power it off first.',
      );
    if (found.state === 'running') return true;
    if (found.state === 'stalled') await this.#resumeStalled(found, signal);
    if (found.state === 'paused') await resumeMachine(this.#setup, found, signal);
    await this.#look(signal);
    return true;
  }

  async #resumeStalled(found: FoundMachine, signal: AbortSignal): Promise<void> {
    const stall = await this.#stall();
    if (stall.freeBytes < LEAST_FREE_BYTES) throw stalledError(stall);
    await resumeMachine(this.#setup, found, signal);
    if ((await this.#settled(signal))?.state === 'stalled') throw stalledError(stall);
  }

  async #stall(): Promise<VmStall> {
    const spec = await this.definition();
    const folder = dirname(spec?.dataDisk.path ?? this.#setup.stateDirectory);
    try {
      return { folder, freeBytes: await this.#setup.freeBytes(folder) };
    } catch (error) {
      throw new MobyvmError(
        'MOBYVM_DATA_DISK',
        `The VM is paused: ${folder} cannot be reached (${textOf(error)}).`,
        'Connect or unlock the drive, then run `mobyvm up` again.',
        { cause: error },
      );
    }
  }

  async #reportStall(): Promise<void> {
    if (this.#isStallReported) return;
    this.#isStallReported = true;
    const stall = await this.#stall().catch((error: unknown) => {
      // Reported once the folder can be reached.
      this.#isStallReported = false;
      this.#setup.logger.warn('vm.stall.unknown', { error: textOf(error) });
    });
    if (stall === undefined) return;
    this.#setup.logger.error('vm.stalled', { ...stall });
    this.#stalls.emit(stall);
  }

  async #noteLife(from: 'start' | 'end'): Promise<void> {
    this.#isLive = true;
    this.#isStallReported = false;
    const { consolePipe: pipe, console: log, logger } = this.#setup;
    await makeFolder(dirname(log.logPath));
    await log.follow(from);
    this.#capture ??= new ConsoleCapture({ pipe, logPath: log.logPath, logger });
    this.#watch.start();
  }

  /**
   * Reports the end of a machine that was running, once; everyone else who notices it waits until it has been
   * reported.
   */
  async #noteEnd(how?: string): Promise<void> {
    if (this.#isLive) {
      this.#isLive = false;
      this.#reporting = this.#reportEnd(how);
    }
    await this.#reporting;
  }

  async #reportEnd(how = 'It is off, but mobyvm did not power it off.'): Promise<void> {
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

  /** Ends a machine on purpose. @param end returns when the end has been noted */
  async #endWith(intent: string, end: () => Promise<void>): Promise<void> {
    this.#intent = intent;
    this.#prepared = undefined;
    try {
      await end();
    } finally {
      this.#intent = undefined;
    }
  }
}

function wrongStateError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_VM_STATE', message, remedy);
}
