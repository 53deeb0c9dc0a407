import { isAlive, killProcess, sleep, waitFor } from '../../core/host/index.js';
import { isAbort, MobyvmError, textOf } from '../../core/values/index.js';
import { parseKernelPanic } from '../console/index.js';
import type { VmExit, VmState } from '../driver.js';
import { explainExit } from './exit-reason.plan.js';
import type { MachineRecord } from './machine-record.js';
import { QmpClient, type QmpEvent } from './qmp-client.js';
import { queryRunState, queryUuid } from './qmp-queries.js';
import { lastQemuMessage, type QemuSetup } from './qemu-setup.js';
import { vmStateOf } from './run-state.plan.js';

/** Between looks at a process that nothing is connected to. */
const WATCH_EVERY_MS = 200;
/** QEMU ends the connection when it exits; a process may also hang in its exit. */
const WATCH_CONNECTED_EVERY_MS = 5_000;
const CONNECT_TIMEOUT_MS = 3_000;
const PANIC_LINES = 60;

/**
 * A QEMU process of this machine that is running, or was until just now.
 *
 * INVARIANTS: there is at most one QMP connection, because QEMU serves one client; `exited` settles exactly
 * once.
 */
export class QemuMachine {
  readonly record: MachineRecord;
  /** Resolves when the process has ended, or to undefined if it was detached first. */
  readonly exited: Promise<VmExit | undefined>;
  /** Why mobyvm is about to end it, completing a sentence; undefined as long as it should keep running. */
  intent: string | undefined;
  /** Called when its processors have stopped, for any reason. */
  onStopped: () => void = () => undefined;
  /** True from the moment its stall was reported until it resumes. */
  isStallReported = false;
  /** It was started only to test its accelerator. */
  isOnTrial = false;
  readonly #setup: QemuSetup;
  readonly #lifetime = new AbortController();
  #hasExited = false;
  #client: QmpClient | undefined;
  #connecting: Promise<QmpClient> | undefined;
  #shutdownCause: string | undefined;

  constructor(record: MachineRecord, setup: QemuSetup) {
    this.record = record;
    this.#setup = setup;
    this.exited = this.#watch();
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  isAlive(): Promise<boolean> {
    return isAlive(this.record);
  }

  /** The monitor connection, opened on demand. @throws MobyvmError MOBYVM_QMP */
  async qmp(): Promise<QmpClient> {
    if (this.#client?.isClosed === false) return this.#client;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** QMP's RunState. @throws MobyvmError MOBYVM_QMP if QEMU does not answer */
  async runState(signal: AbortSignal): Promise<string> {
    return queryRunState(await this.qmp(), { signal, timeoutMs: CONNECT_TIMEOUT_MS });
  }

  /** An unresponsive process counts as crashed; undefined if it has ended in the meantime. */
  async state(signal: AbortSignal): Promise<VmState | undefined> {
    try {
      const state = vmStateOf(await this.runState(signal));
      return state === 'running' && this.intent !== undefined ? 'stopping' : state;
    } catch (error) {
      if (!(error instanceof MobyvmError) || isAbort(error)) throw error;
      return (await isAlive(this.record)) ? 'crashed' : undefined;
    }
  }

  /** True if it ended within that time. */
  async endsWithin(seconds: number, signal: AbortSignal): Promise<boolean> {
    const ended = {
      title: 'QEMU to exit',
      check: () => Promise.resolve(this.#hasExited),
      timeoutSeconds: seconds,
      hint: '',
      everyMs: 25,
    };
    try {
      await waitFor(ended, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MobyvmError) return false;
      throw error;
    }
  }

  async kill(): Promise<void> {
    await killProcess(this.record);
  }

  /** Closes the connection and leaves the process running. */
  detach(): void {
    this.#lifetime.abort();
    this.#client?.close();
  }

  async #connect(): Promise<QmpClient> {
    const options = { signal: this.#lifetime.signal, timeoutMs: CONNECT_TIMEOUT_MS };
    const client = await QmpClient.connect(this.record.qmpSocket, options);
    client.onEvent((event) => this.#handleEvent(event));
    const uuid = await queryUuid(client, options);
    if (uuid !== this.record.machineId) {
      client.close();
      throw new MobyvmError(
        'MOBYVM_QMP',
        `The QEMU at ${this.record.qmpSocket} is running machine ${uuid}, not ${this.record.machineId}.`,
        'Stop the other machine, or give this one its own run directory (MOBYVM_RUN_DIR).',
      );
    }
    this.#client = client;
    return client;
  }

  #handleEvent({ data, name }: QmpEvent): void {
    if (name === 'SHUTDOWN' && typeof data['reason'] === 'string') this.#shutdownCause = data['reason'];
    if (name === 'STOP') this.onStopped();
    if (name === 'RESUME') this.isStallReported = false;
    if (name === 'BLOCK_IO_ERROR') {
      const { action, operation, reason } = data;
      this.#setup.logger.error('vm.disk.failed', {
        operation: String(operation),
        action: String(action),
        reason: String(reason),
      });
    }
  }

  async #watch(): Promise<VmExit | undefined> {
    const signal = this.#lifetime.signal;
    try {
      while (await isAlive(this.record)) await this.#pause(signal);
    } catch (error) {
      if (isAbort(error)) return undefined;
      throw error;
    }
    await this.#drainEvents();
    const exit = await this.#explain();
    this.#hasExited = true;
    return exit;
  }

  /** Until the process may have ended. */
  async #pause(signal: AbortSignal): Promise<void> {
    const client = this.#client;
    if (client === undefined || client.isClosed) return sleep(WATCH_EVERY_MS, signal);
    const closed = new AbortController();
    const unsubscribe = client.onClose(() => closed.abort());
    try {
      await sleep(WATCH_CONNECTED_EVERY_MS, AbortSignal.any([signal, closed.signal]));
    } catch {
      signal.throwIfAborted();
    } finally {
      unsubscribe();
    }
  }

  /** QEMU's last event may still be in the socket; the end of the stream follows it. */
  async #drainEvents(): Promise<void> {
    for (let round = 0; round < 40 && this.#client?.isClosed === false; round += 1) await sleep(25);
    this.#client?.close();
  }

  async #explain(): Promise<VmExit> {
    const { console, logger } = this.#setup;
    try {
      await console.unfollow();
      const panics = (await console.tail(PANIC_LINES)).map(parseKernelPanic);
      return explainExit({
        pid: this.record.pid,
        intent: this.intent,
        shutdownCause: this.#shutdownCause,
        kernelPanic: panics.find((panic) => panic !== undefined),
        lastMessage: this.#shutdownCause === undefined ? await lastQemuMessage(this.#setup) : '',
      });
    } catch (error) {
      logger.warn('vm.exit.unexplained', { error: textOf(error) });
      return { reason: 'died', detail: `QEMU (pid ${this.record.pid}) exited.` };
    }
  }
}
