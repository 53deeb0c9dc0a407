import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { fileAccessError } from '../core/host/index.js';
import { errnoOf } from '../core/values/index.js';
import type { LogFiles } from '../protocol/paths.js';

/** Bounds memory: a burst is read in parts of this size. */
const CHUNK_BYTES = 1024 * 1024;
/** What was read last, to recognize the file by. */
const MARK_BYTES = 256;
/** The most that is searched for what a truncation moved; no log file of mobyvm is larger. */
const MAX_COPY_BYTES = 16 * 1024 * 1024;

/**
 * Reads a growing log line by line. A character or a line may come in several parts, and the file may be renamed
 * (then the rest of it is read first, and every file that came after it) or truncated (then the rest is read from the
 * copy that was made of it).
 */
export class LogReader implements AsyncDisposable {
  readonly #files: LogFiles;
  /** Called when lines may have been lost: the file was truncated or replaced, and no earlier one has the rest. */
  readonly #onGap: () => void;
  #file: FileHandle | undefined;
  #position = 0;
  #mark = Buffer.alloc(0);
  #decoder = new StringDecoder('utf8');
  #rest = '';
  /** We began in the middle of a line, which is left out. */
  #isInLine = false;

  constructor(files: LogFiles, onGap: () => void) {
    this.#files = files;
    this.#onGap = onGap;
  }

  /** Begins at most so many bytes before the end. False if there is no file. */
  async open(lastBytes: number): Promise<boolean> {
    this.#file = await openIfPresent(this.#files.path);
    if (this.#file === undefined) return false;
    this.#position = Math.max((await this.#file.stat()).size - lastBytes, 0);
    this.#isInLine = this.#position > 0;
    return true;
  }

  /** Begins with the earliest of the files. False if there is none. */
  async openEarliest(): Promise<boolean> {
    for (const path of [...this.#files.earlier].reverse()) {
      this.#file = await openIfPresent(path);
      if (this.#file !== undefined) return true;
    }
    return this.open(Infinity);
  }

  /** The next complete lines; undefined if there are no more for now. */
  async next(): Promise<string[] | undefined> {
    this.#file ??= await openIfPresent(this.#files.path);
    if (this.#file === undefined) return undefined;
    const restored = await this.#restoreTruncated(this.#file);
    if (restored !== undefined) return restored;
    const bytes = await this.#read(this.#file);
    if (bytes.length > 0) return this.#linesOf(bytes);
    return (await this.#hasNewer(this.#file)) ? this.#continue(this.#file) : undefined;
  }

  /** What comes after the last line break, and is not read again. */
  takeRest(): string {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #read(file: FileHandle): Promise<Buffer> {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, this.#position);
    const bytes = buffer.subarray(0, bytesRead);
    this.#position += bytesRead;
    this.#mark = Buffer.from(Buffer.concat([this.#mark, bytes.subarray(-MARK_BYTES)]).subarray(-MARK_BYTES));
    return bytes;
  }

  #linesOf(bytes: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#isInLine && lines.length > 0) {
      this.#isInLine = false;
      lines.shift();
    }
    return lines;
  }

  /** @returns what had not been read when the file was truncated; undefined if it was not */
  async #restoreTruncated(file: FileHandle): Promise<string[] | undefined> {
    const mark = this.#mark;
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(mark.length),
      0,
      mark.length,
      this.#position - mark.length,
    );
    const isSame = bytesRead === mark.length && buffer.equals(mark);
    if (isSame && (await file.stat()).size >= this.#position) return undefined;
    const missed = await this.#afterMark(mark);
    if (missed === undefined) this.#onGap();
    const lines = missed === undefined ? [] : this.#linesOf(missed);
    return [...lines, ...this.#beginFile()];
  }

  /** The rest of the truncated content, if one of the earlier files has it. */
  async #afterMark(mark: Buffer): Promise<Buffer | undefined> {
    for (const path of this.#files.earlier) {
      const opened = await openIfPresent(path);
      if (opened === undefined) continue;
      await using file = opened;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_COPY_BYTES), 0, MAX_COPY_BYTES, 0);
      const copy = buffer.subarray(0, bytesRead);
      // Where it was, if the copy is of the whole file; else wherever it is now.
      if (copy.subarray(this.#position - mark.length, this.#position).equals(mark))
        return copy.subarray(this.#position);
      const at = copy.lastIndexOf(mark);
      if (at >= 0) return copy.subarray(at + mark.length);
    }
    return undefined;
  }

  /** @returns the last line of the file before, if it had no line break */
  #beginFile(): string[] {
    const rest = this.takeRest();
    this.#position = 0;
    this.#mark = Buffer.alloc(0);
    this.#decoder = new StringDecoder('utf8');
    return rest === '' ? [] : [rest];
  }

  /** Whether another file came after the one that is open. */
  async #hasNewer(file: FileHandle): Promise<boolean> {
    const own = await file.stat();
    const present = [];
    for (const path of [this.#files.path, ...this.#files.earlier]) {
      const opened = await openIfPresent(path);
      if (opened === undefined) continue;
      await using each = opened;
      present.push({ path, isOwn: isSameFile(await each.stat(), own) });
    }
    const at = present.findIndex(({ isOwn }) => isOwn);
    // Ours is gone: what came after it is certain only once there is a current file again.
    return at === -1 ? present[0]?.path === this.#files.path : at > 0;
  }

  /** Moves on to the file that came after ours, once ours has been read to its end. */
  async #continue(file: FileHandle): Promise<string[]> {
    // Its writer may have added something before it was renamed.
    const last = await this.#read(file);
    if (last.length > 0) return this.#linesOf(last);
    this.#file = await this.#successor(file);
    await file.close();
    return this.#beginFile();
  }

  async #successor(file: FileHandle): Promise<FileHandle | undefined> {
    const own = await file.stat();
    // From the latest on: a rotation meanwhile shows a file twice, and never skips one.
    const newer: FileHandle[] = [];
    for (const path of [this.#files.path, ...this.#files.earlier]) {
      const each = await openIfPresent(path);
      if (each === undefined) continue;
      const isOwn = isSameFile(await each.stat(), own);
      if (!isOwn) {
        newer.push(each);
        continue;
      }
      await each.close();
      const next = newer.pop();
      for (const other of newer) await other.close();
      return next;
    }
    this.#onGap();
    const [current, ...remaining] = newer;
    for (const other of remaining) await other.close();
    return current;
  }
}

function isSameFile(one: { ino: number; dev: number }, other: { ino: number; dev: number }): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileAccessError(path, error);
  }
}
