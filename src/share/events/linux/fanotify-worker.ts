import { closeSync, readSync } from 'node:fs';
import { receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { errnoOf } from '../../../core/values/index.js';
import type { HostChange, WatchedFolder, WatchProblem } from '../host-watcher.js';
import * as calls from './fanotify-calls.js';
import { decodeFanotifyEvents } from './fanotify.codec.js';
import { FolderWatch } from './folder-watch.js';
import { OwnWriters } from './own-writers.js';

/** What the thread is started with. */
export interface FanotifyWorkerData {
  readonly port: MessagePort;
  /** Written to after each message to the port: the thread waits in a system call, not for messages. */
  readonly wakeDescriptor: number;
  readonly serverPidFile: string | undefined;
}

export type ToFanotifyWorker =
  { readonly watch: readonly WatchedFolder[]; readonly id: number } | { readonly close: true };

export type FromFanotifyWorker =
  | { readonly changes: readonly HostChange[] }
  | { readonly watched: number; readonly problems: readonly WatchProblem[] };

const READ_BYTES = 256 * 1024;
/** Meanwhile the kernel merges events of the same file. */
const PAUSE_MS = 5;
const MAX_BATCH = 5_000;

class FanotifyWorker {
  readonly #data: FanotifyWorkerData;
  readonly #own: OwnWriters;
  readonly #group = calls.createGroup();
  readonly #marked = new Set<string>();
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #changes: HostChange[] = [];
  #isTaking = false;
  readonly #watch = new FolderWatch({
    fileSystems: {
      mark: (path) => this.#mark(path),
      idOf: (path) => calls.fileSystemId(path),
      keyOf: (path, fsid) => calls.folderKey(path, fsid),
      breathe: () => {
        if (!this.#isTaking) this.#takeEvents();
      },
    },
    isOwnWriter: (pid) => this.#own.has(pid),
    report: (change) => this.#report(change),
  });

  constructor(data: FanotifyWorkerData) {
    this.#data = data;
    this.#own = new OwnWriters(data.serverPidFile);
  }

  /** Until it is closed. */
  run(): void {
    try {
      this.#loop();
    } finally {
      closeSync(this.#group);
      this.#data.port.close();
    }
  }

  #loop(): void {
    for (;;) {
      const [hasMessage, hasEvents] = calls.waitUntilReadable([this.#data.wakeDescriptor, this.#group]);
      if (hasMessage === true && !this.#takeMessages()) return;
      if (hasEvents !== true) continue;
      this.#takeEvents();
      this.#send();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }

  #takeMessages(): boolean {
    const { port, wakeDescriptor } = this.#data;
    readSync(wakeDescriptor, new Uint8Array(8));
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const message = next.message as ToFanotifyWorker;
      if ('close' in message) return false;
      // What happened before belongs to the folders that were watched until now.
      this.#takeEvents();
      const problems = this.#watch.setRoots(message.watch);
      this.#send();
      port.postMessage({ watched: message.id, problems } satisfies FromFanotifyWorker);
    }
    return true;
  }

  #takeEvents(): void {
    this.#isTaking = true;
    this.#own.refresh();
    for (let bytes = this.#read(); bytes.length > 0; bytes = this.#read())
      for (const event of decodeFanotifyEvents(bytes)) this.#watch.take(event);
    this.#watch.drained();
    this.#isTaking = false;
  }

  /** Nothing if no event waits. */
  #read(): Uint8Array {
    try {
      return this.#buffer.subarray(0, readSync(this.#group, this.#buffer));
    } catch (error) {
      if (errnoOf(error) === 'EAGAIN') return new Uint8Array();
      throw error;
    }
  }

  #mark(path: string): void {
    const id = Buffer.from(calls.fileSystemId(path)).toString('hex');
    if (this.#marked.has(id)) return;
    calls.markFileSystem(this.#group, path);
    this.#marked.add(id);
  }

  #report(change: HostChange): void {
    this.#changes.push(change);
    if (this.#changes.length >= MAX_BATCH) this.#send();
  }

  #send(): void {
    if (this.#changes.length === 0) return;
    this.#data.port.postMessage({ changes: this.#changes } satisfies FromFanotifyWorker);
    this.#changes = [];
  }
}

new FanotifyWorker(workerData as FanotifyWorkerData).run();
