import { appendFileSync, closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { open, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { fileMode, Listeners, type Logger } from '../../core/host/index.js';
import { errnoOf, isAbort, textOf } from '../../core/values/index.js';
import type { VmConsole } from '../driver.js';
import { consoleLines, NO_CONSOLE_TEXT, readConsole } from './console-text.plan.js';
import { OutputWatch } from './output-watch.js';

export interface ConsoleLogOptions {
  /**
   * The file that the VM's process appends to. It must use O_APPEND, so that the file may be truncated
   * meanwhile.
   */
  readonly logPath: string;
  readonly logger: Logger;
  /**
   * Maximum size in bytes; beyond it, the end of the file, up to twice as much, moves to `<logPath>.1` and the file is
   * emptied. Defaults to 4 MiB.
   */
  readonly maxBytes?: number;
  /** Milliseconds between checks of a file that changes, or whose changes nobody announces; defaults to 200. */
  readonly everyMs?: number;
}

/** The most that is read per check; the rest of a flood is read at the next one. */
const CHUNK_BYTES = 256 * 1024;

/** Between checks of a file that does not change. */
const CALM_MS = 5_000;

/** The most that `tail` reads from the end of a file. */
const TAIL_BYTES = 256 * 1024;

/**
 * Follows, limits and rotates a console log. Another process writes the file, and it may be absent.
 *
 * INVARIANTS: there is at most one follower; `#position` is its next read offset and never beyond the end of
 * the file.
 */
export class ConsoleLog implements VmConsole {
  readonly logPath: string;
  readonly #options: Required<ConsoleLogOptions>;
  readonly #lines = new Listeners<string>();
  #following: AbortController | undefined;
  #follower = Promise.resolve();
  #position = 0;
  #text = NO_CONSOLE_TEXT;
  /** The previous file holds earlier lines of the same machine start, not those of the start before. */
  #isCapped = false;

  constructor(options: ConsoleLogOptions) {
    this.#options = { maxBytes: 4 * 1024 * 1024, everyMs: 200, ...options };
    this.logPath = options.logPath;
  }

  /** The earlier part of the log: the previous machine start, or what the size limit moved away. */
  get previousPath(): string {
    return `${this.logPath}.1`;
  }

  async tail(maxLines: number): Promise<readonly string[]> {
    if (maxLines <= 0) return [];
    const lines = consoleLines(await endOf(this.logPath, TAIL_BYTES));
    if (lines.length >= maxLines || !this.#isCapped) return lines.slice(-maxLines);
    return [...consoleLines(await endOf(this.previousPath, TAIL_BYTES)), ...lines].slice(-maxLines);
  }

  onLine(listener: (line: string) => void): () => void {
    return this.#lines.add(listener);
  }

  /** Moves the log of the last start aside and begins an empty one. */
  async rotate(): Promise<void> {
    await rename(this.logPath, this.previousPath).catch(ignoreAbsent);
    this.#position = 0;
    this.#text = NO_CONSOLE_TEXT;
    this.#isCapped = false;
  }

  /**
   * Starts to follow, from the file's current end or, for a machine that is just starting, from its
   * beginning.
   */
  async follow(from: 'start' | 'end'): Promise<void> {
    await this.unfollow();
    const following = new AbortController();
    this.#following = following;
    this.#position = from === 'start' ? 0 : await sizeOf(this.logPath);
    this.#text = NO_CONSOLE_TEXT;
    this.#follower = this.#poll(following.signal);
  }

  /** Reads the remaining output and stops following. */
  async unfollow(): Promise<void> {
    if (this.#following === undefined) return;
    this.#following.abort();
    this.#following = undefined;
    await this.#follower;
    await this.#readNew();
  }

  /** Deletes the log and its predecessor. */
  async remove(): Promise<void> {
    await this.unfollow();
    await Promise.all([rm(this.logPath, { force: true }), rm(this.previousPath, { force: true })]);
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const watch = new OutputWatch(this.logPath);
    try {
      for (;;) {
        await this.#readNew();
        await watch.look({ leastMs: this.#options.everyMs, mostMs: CALM_MS }, signal);
      }
    } catch (error) {
      if (!isAbort(error)) throw error;
    } finally {
      watch.close();
    }
  }

  /** Emits the new lines and enforces the size limit. A failing disk must not stop the follower. */
  async #readNew(): Promise<void> {
    try {
      const size = await sizeOf(this.logPath);
      if (size < this.#position) this.#position = 0;
      // A flood that outruns the reader by the whole size limit is skipped: its end is what matters.
      this.#position = Math.max(this.#position, size - this.#options.maxBytes);
      while (this.#position < size) {
        const bytes = await readAt(
          this.logPath,
          this.#position,
          Math.min(size - this.#position, CHUNK_BYTES),
        );
        if (bytes.length === 0) break;
        this.#position += bytes.length;
        this.#emitLines(bytes);
      }
      if (size > this.#options.maxBytes) await this.#cap();
    } catch (error) {
      this.#options.logger.warn('vm.console.unreadable', { path: this.logPath, error: textOf(error) });
    }
  }

  #emitLines(bytes: Uint8Array): void {
    const { text, lines } = readConsole(this.#text, bytes);
    this.#text = text;
    for (const line of lines) this.#lines.emit(line);
  }

  /** Truncating keeps the writer's descriptor valid; with O_APPEND it continues at the new end. */
  async #cap(): Promise<void> {
    const { maxBytes } = this.#options;
    const size = await sizeOf(this.logPath);
    let rest: Uint8Array = new Uint8Array(0);
    try {
      // More than the limit, because a burst may exceed it between two looks; `mobyvm console` reads it there.
      const from = Math.max(0, size - 2 * maxBytes);
      await writeFile(this.previousPath, await readAt(this.logPath, from, size - from), {
        mode: fileMode('owner'),
      });
      this.#isCapped = true;
    } finally {
      // Also truncate if the copy failed: a full disk is no reason to let the file grow.
      rest = this.#empty(size);
    }
    this.#emitLines(rest);
    this.#options.logger.debug('vm.console.capped', { path: this.logPath, maxBytes });
  }

  /**
   * Empties the file. What came while it was copied joins the copy, without a pause in which more could come and be lost.
   * @returns what has not been read
   */
  #empty(copiedBytes: number): Uint8Array {
    const file = openSync(this.logPath, 'r+');
    try {
      const { size } = fstatSync(file);
      const unread = Buffer.alloc(Math.min(Math.max(size - this.#position, 0), CHUNK_BYTES));
      readSync(file, unread, 0, unread.length, size - unread.length);
      const uncopied = Math.min(Math.max(size - copiedBytes, 0), unread.length);
      if (uncopied > 0) appendFileSync(this.previousPath, unread.subarray(unread.length - uncopied));
      return unread;
    } finally {
      ftruncateSync(file, 0);
      this.#position = 0;
      closeSync(file);
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    ignoreAbsent(error);
    return 0;
  }
}

async function endOf(path: string, maxBytes: number): Promise<Uint8Array> {
  const size = await sizeOf(path);
  return size === 0 ? new Uint8Array(0) : readAt(path, Math.max(0, size - maxBytes), maxBytes);
}

async function readAt(path: string, position: number, length: number): Promise<Uint8Array> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    ignoreAbsent(error);
    return new Uint8Array(0);
  }
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function ignoreAbsent(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
