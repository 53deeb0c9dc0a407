import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { fileMode } from '../core/host/index.js';
import { errnoOf } from '../core/values/index.js';
import type { LogFiles } from '../protocol/paths.js';

export interface RotatingFileOptions {
  readonly files: LogFiles;
  /** A file that has this size is full. */
  readonly maxBytes: number;
}

/**
 * Appends to a file, and begins another one when it is full. Every write is complete when it returns. The transport for
 * files of winston 3.19 loses lines of a burst while it rotates, and those that a killed process had not written yet.
 *
 * INVARIANT: what a write is given is in one file, so that lines stay whole.
 */
export class RotatingFile extends Writable {
  readonly #options: RotatingFileOptions;
  #descriptor: number | undefined;

  constructor(options: RotatingFileOptions) {
    super({ decodeStrings: true });
    this.#options = options;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    try {
      this.#append(chunk);
    } catch {
      // A disk that is full or gone must not stop the daemon; the next line tries again.
      this.#close();
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#close();
    done(error);
  }

  #append(chunk: Buffer): void {
    const { files, maxBytes } = this.#options;
    this.#descriptor ??= openSync(files.path, 'a', fileMode('group'));
    const { size } = fstatSync(this.#descriptor);
    if (size >= maxBytes) this.#rotate(this.#descriptor, size);
    this.#descriptor ??= openSync(files.path, 'a', fileMode('group'));
    for (let written = 0; written < chunk.length;) {
      written += writeSync(this.#descriptor, chunk, written);
    }
  }

  #rotate(descriptor: number, size: number): void {
    const { files, maxBytes } = this.#options;
    const [latest, ...others] = files.earlier;
    if (latest === undefined) return;
    try {
      const newest = [latest, ...others];
      for (let at = newest.length - 1; at > 0; at -= 1) renameIfPresent(newest[at - 1], newest[at]);
      renameIfPresent(files.path, latest);
      this.#close();
    } catch {
      // On Windows a program that has the file open can forbid its renaming, but not that it is emptied.
      if (size < 2 * maxBytes) return;
      copyFileSync(files.path, latest);
      ftruncateSync(descriptor);
    }
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function renameIfPresent(from: string | undefined, to: string | undefined): void {
  if (from === undefined || to === undefined) return;
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
