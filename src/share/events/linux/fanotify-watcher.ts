import { closeSync, writeSync } from 'node:fs';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { textOf } from '../../../core/values/index.js';
import { shareError } from '../../share-errors.js';
import type { HostWatcher, HostWatcherOptions, WatchedFolder, WatchProblem } from '../host-watcher.js';
import { createWakeDescriptor } from './fanotify-calls.js';
import type { FanotifyWorkerData, FromFanotifyWorker, ToFanotifyWorker } from './fanotify-worker.js';

export interface FanotifyWatcherOptions extends HostWatcherOptions {
  /** The pid of the file server that the VM writes through; what its children change is not reported. */
  readonly serverPidFile: string | undefined;
}

/**
 * Watches by fanotify(7), with a mark on each file system: no limit on the number of folders, nothing is missed in new
 * ones, and each event tells who made the change. Needs Linux 5.17 and CAP_SYS_ADMIN.
 */
export class FanotifyWatcher implements HostWatcher {
  readonly #options: FanotifyWatcherOptions;
  readonly #wakeDescriptor = createWakeDescriptor();
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, (problems: readonly WatchProblem[]) => void>();
  #lastId = 0;
  #isClosed = false;

  constructor(options: FanotifyWatcherOptions) {
    this.#options = options;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const { serverPidFile } = options;
    const workerData: FanotifyWorkerData = {
      port: port2,
      wakeDescriptor: this.#wakeDescriptor,
      serverPidFile,
    };
    this.#worker = new Worker(new URL('./fanotify-worker.js', import.meta.url), {
      workerData,
      transferList: [port2],
      // The descriptors are opened by system calls that Node does not know of.
      trackUnmanagedFds: false,
    });
    let failure = 'its thread ended';
    this.#worker.on('error', (error) => (failure = textOf(error)));
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#finish(failure);
        resolve();
      });
    });
    this.#port.on('message', (message: FromFanotifyWorker) => this.#take(message));
  }

  async watch(folders: readonly WatchedFolder[]): Promise<readonly WatchProblem[]> {
    if (this.#isClosed) throw shareError('The host is not watched any more.', 'Run `mobyvm restart`.');
    const id = (this.#lastId += 1);
    const problems = new Promise<readonly WatchProblem[]>((resolve) => this.#waiting.set(id, resolve));
    this.#send({ watch: folders, id });
    return problems;
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.#send({ close: true });
    this.#isClosed = true;
    await this.#ended;
  }

  #send(message: ToFanotifyWorker): void {
    this.#port.postMessage(message);
    writeSync(this.#wakeDescriptor, new Uint8Array(new BigUint64Array([1n]).buffer));
  }

  #take(message: FromFanotifyWorker): void {
    if ('changes' in message) {
      if (!this.#isClosed) this.#options.onChanges(message.changes);
      return;
    }
    this.#waiting.get(message.watched)?.(message.problems);
    this.#waiting.delete(message.watched);
  }

  #finish(reason: string): void {
    const isExpected = this.#isClosed;
    this.#isClosed = true;
    this.#port.close();
    closeSync(this.#wakeDescriptor);
    const problem = {
      path: '/',
      reason,
      remedy: 'Run `mobyvm restart`, and report it if that does not help.',
    };
    for (const resolve of this.#waiting.values()) resolve([problem]);
    this.#waiting.clear();
    if (!isExpected) this.#options.onFailure(reason);
  }
}
