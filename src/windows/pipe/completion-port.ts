import { Worker } from 'node:worker_threads';
import { associate, createPort, postQueuedCompletionStatus } from '../calls/completion-port.js';
import { closeHandle } from '../calls/handles.js';
import type { Handle } from '../calls/libraries.js';
import { BATCH_FIELDS, STOP_KEY, type CompletionBatch } from './completion-keys.js';

/** @param overlapped 0 for what `post` has queued */
export type OnCompletion = (overlapped: number, bytes: number) => void;

/**
 * One I/O completion port for all files, waited on in a worker thread: the event loop stays free, and none of
 * libuv's pool threads is taken for good. The worker lives while files are associated.
 */
export class CompletionPort {
  readonly #files = new Map<number, OnCompletion>();
  #nextKey = STOP_KEY + 1;
  #port: Handle | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** Node joins its workers at exit, and a thread in a system call cannot be stopped from outside. */
  readonly #stop = (): void => {
    if (this.#port !== undefined) postQueuedCompletionStatus(this.#port, 0, STOP_KEY, null);
  };

  /** @returns the key, for `post` and `forget` */
  add(file: Handle, onCompletion: OnCompletion): number {
    this.#port ??= this.#start();
    const key = this.#nextKey++;
    associate(file, this.#port, key);
    this.#files.set(key, onCompletion);
    return key;
  }

  /** Queues a completion behind all that are queued already. */
  post(key: number, bytes: number): void {
    if (this.#port !== undefined) postQueuedCompletionStatus(this.#port, bytes, key, null);
  }

  /** The file is closed. */
  forget(key: number): void {
    this.#files.delete(key);
  }

  /** Resolves when the worker has ended. A file that is added afterwards starts another one. */
  async close(): Promise<void> {
    this.#stop();
    await this.#ended;
  }

  #start(): Handle {
    const port = createPort();
    const worker = new Worker(new URL('./completion-worker.js', import.meta.url), { workerData: port });
    worker.on('message', (batch: CompletionBatch) => this.#deliver(batch));
    process.on('exit', this.#stop);
    this.#ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        process.off('exit', this.#stop);
        this.#port = undefined;
        closeHandle(port);
        resolve();
      });
    });
    return port;
  }

  #deliver(batch: CompletionBatch): void {
    for (let index = 0; index < batch.length; index += BATCH_FIELDS) {
      const [key = STOP_KEY, overlapped = 0, bytes = 0] = batch.slice(index, index + BATCH_FIELDS);
      this.#files.get(key)?.(overlapped, bytes);
    }
  }
}
