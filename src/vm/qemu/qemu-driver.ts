// Over 400 lines: the calls of the VmDriver contract share the invariants of one class. What each of them does is in the files
// beside this one.
import { rm } from 'node:fs/promises';
import {
  Listeners,
  statIfPresent,
  type EnsureContext,
  type StepContext,
  timeLimit,
} from '../../core/host/index.js';
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
import { DEFAULT_MACHINE_TYPE, EMULATED_CPU } from './command-line.plan.js';
import { dataDiskBytes, ensureDataDisk } from './data-disk.js';
import { endProcess, shutDownGuest } from './end-machine.js';
import { findRunningMachine } from './find-machine.js';
import { growRunningDisk } from './grow-running-disk.js';
import { launchMachine } from './launch.js';
import type { Hardware } from './machine-record.js';
import { qemuPreflight, type QemuVersions } from './preflight.js';
import { QemuMachine } from './qemu-machine.js';
import {
  discardSaved,
  hasSaved,
  qemuSetup,
  removeRunFiles,
  removeStateFiles,
  type QemuDriverOptions,
  type QemuSetup,
} from './qemu-setup.js';
import { queryRunState } from './qmp-queries.js';
import { resumeStalled, observeStall } from './stall.js';
import { waitForGuestOutput } from './wait-for-guest-output.js';
import { checkSaved, loadMemory, readSaved } from './restore-memory.js';
import { saveMemory } from './save-memory.js';

const STATE_TIMEOUT_MS = 5_000;

/**
 * A virtual machine in a QEMU process that outlives this object and the daemon.
 *
 * INVARIANTS: `#machine` is the last process seen; it is looked up again before each call ({@link
 * QemuDriver.#findMachine}). Calls that change the machine never run concurrently; the daemon serializes
 * them.
 */
export class QemuDriver implements VmDriver {
  readonly name = 'qemu';
  readonly console: VmConsole;
  readonly #setup: QemuSetup;
  readonly #exits = new Listeners<VmExit>();
  readonly #stalls = new Listeners<VmStall>();
  #machine: QemuMachine | undefined;
  /** Settles when the end of the last machine has been handled: files removed, listeners called. */
  #ended = Promise.resolve();
  #finding: Promise<QemuMachine | undefined> | undefined;

  constructor(options: QemuDriverOptions) {
    this.#setup = qemuSetup(options);
    this.console = this.#setup.console;
  }

  get features(): DriverFeatures {
    const { accelerator, cpu } = this.#machine?.record.hardware ?? {};
    return { growsDiskOnline: true, accelerator, processors: cpu === undefined ? undefined : 1 };
  }

  /** The unix socket of the guest's key-value exchange, while the machine runs. */
  get kvpSocketPath(): string {
    return this.#setup.files.kvpSocket;
  }

  /** The unix socket of the serial console; it takes one client at a time. */
  get consoleSocketPath(): string {
    return this.#setup.files.consoleSocket;
  }

  /**
   * Checks that QEMU's programs are installed.
   * @throws MobyvmError MOBYVM_PROGRAM_MISSING with the Debian package
   */
  preflight(signal: AbortSignal): Promise<QemuVersions> {
    return qemuPreflight(this.#setup, signal);
  }

  async state(signal: AbortSignal): Promise<VmState> {
    signal.throwIfAborted();
    const machine = await this.#findMachine();
    const state = await machine?.state(signal);
    if (machine !== undefined && state === 'stalled') await this.#reportStall(machine);
    if (state !== undefined) return state;
    if ((await this.definition()) === undefined) return 'absent';
    return (await hasSaved(this.#setup)) ? 'saved' : 'off';
  }

  async definition(): Promise<VmSpec | undefined> {
    return (await this.#setup.definition.read())?.spec;
  }

  async runningSpec(): Promise<VmSpec | undefined> {
    return (await this.#findMachine())?.record.hardware?.spec;
  }

  async savedBytes(): Promise<number | undefined> {
    if (!(await hasSaved(this.#setup))) return undefined;
    return (await statIfPresent(this.#setup.memoryPath))?.size;
  }

  async define(spec: VmSpec, context: EnsureContext): Promise<Defined> {
    context.signal.throwIfAborted();
    const previous = await this.definition();
    const machine = await this.#findMachine(spec);
    if (machine !== undefined && machine.record.machineId !== spec.machineId) {
      throw wrongStateError(
        `The virtual machine ${machine.record.machineId} is still running.`,
        'Stop it first.',
      );
    }
    if (machine !== undefined) await growRunningDisk(machine, spec, this.#setup, context);
    // A saved guest has its disk's size in memory, so the disk keeps it until the memory is used or
    // discarded.
    else if (!(await hasSaved(this.#setup))) await this.#ensureDisk(spec, context);
    context.onFailure(async () => {
      if (previous === undefined) await this.#setup.definition.remove();
      else await this.#setup.definition.write({ format: 1, spec: previous });
    });
    await this.#setup.definition.write({ format: 1, spec });
    const { qemuImgProgram } = this.#setup;
    const bytes = await dataDiskBytes(spec.dataDisk.path, { qemuImgProgram, signal: context.signal });
    return { diskGiB: bytes / 1024 ** 3 };
  }

  async start(context: EnsureContext): Promise<void> {
    const { signal } = context;
    signal.throwIfAborted();
    const spec = await this.#defined();
    const machine = await this.#findMachine();
    if (machine !== undefined && (await this.#resume(machine, context))) return;
    if (await hasSaved(this.#setup)) {
      throw wrongStateError(
        'The virtual machine has a saved state.',
        'Restore or discard the saved state first.',
      );
    }
    // What a save that was interrupted has left.
    await discardSaved(this.#setup);
    await this.#ensureDisk(spec, context);
    const choice = this.#setup.accelerator;
    context.progress('choosing the accelerator');
    const accelerator = await choice.choose(signal, spec.accelerator);
    const isOnTrial = choice.isOnTrial(spec.accelerator);
    try {
      await this.#boot({ spec, accelerator }, isOnTrial, context);
      if (isOnTrial) choice.proven();
    } catch (error) {
      // Errors after an abort say nothing about the accelerator.
      signal.throwIfAborted();
      if (!isOnTrial) throw error;
      choice.failed(error);
      await this.#boot({ spec, accelerator: await choice.choose(signal) }, false, context);
    }
  }

  async #boot(
    wanted: Pick<Hardware, 'spec' | 'accelerator'>,
    isOnTrial: boolean,
    context: EnsureContext,
  ): Promise<void> {
    const { signal } = context;
    context.progress(`starting QEMU with ${wanted.accelerator}`);
    const cpu = wanted.accelerator === 'tcg' ? EMULATED_CPU : undefined;
    const hardware = { ...wanted, machineType: DEFAULT_MACHINE_TYPE, cpu };
    await this.#launch(hardware, { isRestore: false, context }, async (started) => {
      started.isOnTrial = isOnTrial;
      const client = await started.qmp();
      await client.execute('cont', {}, { signal });
      const runState = await queryRunState(client, { signal });
      if (runState !== 'running') throw notRunningError(runState);
      if (started.isOnTrial) await waitForGuestOutput(started, this.console, signal);
      started.isOnTrial = false;
    });
  }

  async resume(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const machine = await this.#findMachine();
    if ((await machine?.state(signal)) === 'stalled' && machine !== undefined) {
      await resumeStalled(machine, this.#setup, signal);
    }
  }

  async stop({ gracefulSeconds }: StopOptions, context: StepContext): Promise<StopOutcome> {
    context.signal.throwIfAborted();
    const machine = await this.#findMachine();
    let outcome: StopOutcome = 'clean';
    if (machine === undefined) return outcome;
    await this.#endWith(machine, 'it was asked to shut down', async () => {
      if (gracefulSeconds > 0 && (await shutDownGuest(machine, gracefulSeconds, context, this.#setup)))
        return;
      outcome = 'forced';
      machine.intent = 'it was powered off';
      context.progress('powering off');
      await endProcess(machine, context.signal, this.#setup);
    });
    return outcome;
  }

  async powerOff({ signal }: StepContext): Promise<void> {
    signal.throwIfAborted();
    await this.#powerOffNow(signal);
    await discardSaved(this.#setup);
  }

  async save(context: StepContext): Promise<void> {
    context.signal.throwIfAborted();
    const machine = await this.#findMachine();
    if (machine === undefined) {
      if (await hasSaved(this.#setup)) return;
      throw wrongStateError('No virtual machine is running, so there is nothing to save.', 'Start it first.');
    }
    const { hardware } = machine.record;
    if (hardware === undefined) {
      throw new MobyvmError(
        'MOBYVM_VM_SAVE',
        'The record of how this VM was started is lost, so its memory could not be restored later.',
        'Stop the VM instead; it can be saved again after its next start.',
      );
    }
    await saveMemory(machine, hardware, this.#setup, context);
    await this.#endWith(machine, 'its memory was saved', () =>
      endProcess(machine, context.signal, this.#setup),
    );
  }

  async restore(context: EnsureContext): Promise<void> {
    context.signal.throwIfAborted();
    const machine = await this.#findMachine();
    if (machine !== undefined && (await this.#resume(machine, context))) return;
    const saved = await readSaved(this.#setup);
    if (saved === undefined) {
      throw wrongStateError('The virtual machine has no saved state.', 'Start it instead.');
    }
    await checkSaved(this.#setup, saved, (await this.preflight(context.signal)).qemu);
    await this.#launch(saved, { isRestore: true, context }, (started) =>
      loadMemory(started, saved, this.#setup, context),
    );
    await discardSaved(this.#setup);
  }

  async remove({ dataDisk }: { readonly dataDisk: boolean }, context: StepContext): Promise<void> {
    // An unreadable definition must not prevent its own removal.
    const spec = await this.definition().catch(async () => {
      await this.#setup.definition.remove();
      return undefined;
    });
    await this.powerOff(context);
    if (dataDisk && spec !== undefined) await rm(spec.dataDisk.path, { force: true });
    await removeRunFiles(this.#setup);
    await this.#setup.console.remove();
    await removeStateFiles(this.#setup);
  }

  onExit(listener: (exit: VmExit) => void): () => void {
    return this.#exits.add(listener);
  }

  onStall(listener: (stall: VmStall) => void): () => void {
    return this.#stalls.add(listener);
  }

  async close(): Promise<void> {
    this.#machine?.detach();
    this.#machine = undefined;
    await this.#setup.console.unfollow();
  }

  async #defined(): Promise<VmSpec> {
    const spec = await this.definition();
    if (spec === undefined) throw wrongStateError('No virtual machine is defined.', 'Run `mobyvm up`.');
    return spec;
  }

  async #ensureDisk(spec: VmSpec, { onFailure, progress, signal }: EnsureContext): Promise<void> {
    const { qemuImgProgram, logger } = this.#setup;
    const change = await ensureDataDisk(spec.dataDisk, { qemuImgProgram, signal });
    if (change === 'none') return;
    if (change === 'created') onFailure(() => rm(spec.dataDisk.path, { force: true }));
    progress(`data disk ${change}: ${spec.dataDisk.sizeGiB} GiB`);
    logger.info('vm.disk.changed', { change, path: spec.dataDisk.path, sizeGiB: spec.dataDisk.sizeGiB });
  }

  /**
   * Finds the running machine, and adopts one that another process started. Concurrent callers share one
   * lookup.
   */
  #findMachine(spec?: VmSpec): Promise<QemuMachine | undefined> {
    this.#finding ??= this.#lookUpMachine(spec).finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async #lookUpMachine(wanted: VmSpec | undefined): Promise<QemuMachine | undefined> {
    if (this.#machine?.hasExited === false && (await this.#machine.isAlive())) return this.#machine;
    if (this.#machine !== undefined) await this.#ended;
    // A running machine can be stopped even if its definition is unreadable.
    const spec = (await this.definition().catch(() => undefined)) ?? wanted;
    const record = await findRunningMachine(this.#setup, spec);
    if (record === undefined) return undefined;
    this.#setup.logger.info('vm.process.adopted', { pid: record.pid });
    await this.#setup.console.follow('end');
    return this.#attach(new QemuMachine(record, this.#setup));
  }

  #attach(machine: QemuMachine): QemuMachine {
    this.#machine = machine;
    machine.onStopped = () => {
      this.state(timeLimit(STATE_TIMEOUT_MS)).catch((error: unknown) =>
        this.#setup.logger.warn('vm.state.unknown', { error: textOf(error) }),
      );
    };
    this.#ended = machine.exited.then(
      (exit) => (exit === undefined ? undefined : this.#hasEnded(machine, exit)),
      (error: unknown) => this.#setup.logger.error('vm.process.unwatched', { error: textOf(error) }),
    );
    return machine;
  }

  async #hasEnded(machine: QemuMachine, exit: VmExit): Promise<void> {
    if (this.#machine === machine) this.#machine = undefined;
    await removeRunFiles(this.#setup).catch((error: unknown) =>
      this.#setup.logger.warn('vm.files.left', { error: textOf(error) }),
    );
    this.#setup.logger.info('vm.process.ended', { pid: machine.record.pid, ...exit });
    // A machine on trial was never announced, so its end is not reported.
    if (!machine.isOnTrial) this.#exits.emit(exit);
  }

  async #reportStall(machine: QemuMachine): Promise<void> {
    if (machine.isStallReported) return;
    machine.isStallReported = true;
    const stall = await observeStall(machine, this.#setup);
    this.#setup.logger.error('vm.stalled', { ...stall });
    this.#stalls.emit(stall);
  }

  /** Launches a machine and cleans up if a later step fails. */
  async #launch(
    hardware: Hardware,
    { context, isRestore }: { readonly context: EnsureContext; readonly isRestore: boolean },
    begin: (machine: QemuMachine) => Promise<void>,
  ): Promise<void> {
    const record = await launchMachine(this.#setup, hardware, { isRestore, signal: context.signal });
    await this.#setup.console.follow('start');
    const machine = this.#attach(new QemuMachine(record, this.#setup));
    const undo = async (): Promise<void> => {
      if (machine.hasExited) return;
      await this.#endWith(machine, 'its start was undone', () =>
        endProcess(machine, new AbortController().signal, this.#setup),
      );
    };
    context.onFailure(undo);
    try {
      await begin(machine);
    } catch (error) {
      await undo();
      throw error;
    }
  }

  /** Resumes a paused machine. Returns false if it was only partially restored and had to be ended. */
  async #resume(machine: QemuMachine, { signal }: StepContext): Promise<boolean> {
    const state = await machine.state(signal);
    if (state === undefined) return false;
    if (state === 'crashed') {
      throw wrongStateError(
        'The virtual machine has crashed, or QEMU is not responding.',
        'Power it off first.',
      );
    }
    const runState = await machine.runState(signal);
    if (runState === 'inmigrate') {
      await this.#endWith(machine, 'its restore was interrupted', () =>
        endProcess(machine, signal, this.#setup),
      );
      return false;
    }
    if (state === 'stalled') await resumeStalled(machine, this.#setup, signal);
    if (state === 'paused' || state === 'starting') {
      await discardSaved(this.#setup);
      await (await machine.qmp()).execute('cont', {}, { signal });
    }
    return true;
  }

  async #powerOffNow(signal: AbortSignal): Promise<void> {
    const machine = await this.#findMachine();
    if (machine === undefined) return;
    await this.#endWith(machine, 'it was powered off', () => endProcess(machine, signal, this.#setup));
  }

  /** Ends a machine on purpose; returns once its end has been handled. */
  async #endWith(machine: QemuMachine, intent: string, end: () => Promise<void>): Promise<void> {
    const ended = this.#ended;
    machine.intent = intent;
    try {
      await end();
      await ended;
    } catch (error) {
      machine.intent = undefined;
      throw error;
    }
  }
}

function wrongStateError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_VM_STATE', message, remedy);
}

function notRunningError(runState: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_START',
    `The virtual machine's processors are not running (QEMU status: ${runState}).`,
    'See the QEMU log and the console log. If this keeps happening, set `vm.accelerator` to `tcg`.',
  );
}
