import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { sleep } from '../../core/host/index.js';

export interface WatchPauses {
  /** Between two looks at a file that changes all the time. */
  readonly leastMs: number;
  /** Without a sign of a change: not every file system announces all. */
  readonly mostMs: number;
}

/** Says when a file that another process appends to may have changed. The file may be absent or replaced, its folder not. */
export class OutputWatch {
  #watcher: FSWatcher | undefined;
  #hasChanged = false;
  #wake: () => void = () => undefined;

  constructor(path: string) {
    const name = basename(path);
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
        if (file !== null && file !== name) return;
        this.#hasChanged = true;
        this.#wake();
      });
      this.#watcher.on('error', () => this.close());
    } catch {
      // No folder, or no more watches for this user: then the file is looked at often.
    }
  }

  /** Resolves when it is time to look. @throws the signal's reason */
  async look({ leastMs, mostMs }: WatchPauses, signal: AbortSignal): Promise<void> {
    await sleep(leastMs, signal);
    if (this.#watcher !== undefined && !this.#hasChanged) await this.#change(mostMs - leastMs, signal);
    this.#hasChanged = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#wake();
  }

  async #change(withinMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await sleep(withinMs, AbortSignal.any([signal, woken.signal]));
    } catch {
      signal.throwIfAborted();
    } finally {
      this.#wake = () => undefined;
    }
  }
}
