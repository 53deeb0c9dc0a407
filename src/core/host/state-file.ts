import { dirname } from 'node:path';
import type { z } from 'zod';
import { MobyvmError } from '../values/index.js';
import { makeFolder, readFileIfPresent, removeFile, writeFileAtomically } from './atomic-file.js';
import { setAside } from './set-aside.js';
import { noSeal, type SecretSeal } from './secret-seal.js';

export interface StateFileOptions<T> {
  readonly path: string;
  readonly schema: z.ZodType<T>;
  /** What the user can do if the file is invalid, as a full sentence. */
  readonly remedy?: string;
  /** Keeps the file's values out of errors and logs. */
  readonly isSecret?: boolean;
  /** Encrypts the file. */
  readonly seal?: SecretSeal;
}

/** A JSON file readable only by its owner, written atomically and checked against its schema when read. */
export class StateFile<T> {
  readonly #options: StateFileOptions<T>;

  constructor(options: StateFileOptions<T>) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** Returns undefined if the file does not exist. @throws MobyvmError MOBYVM_STATE_FILE if it is invalid */
  async read(): Promise<T | undefined> {
    const text = await readFileIfPresent(this.path);
    if (text === undefined) return undefined;
    return this.#valueOf(text);
  }

  /** For information only: what cannot be read says nothing, and stays as it is. */
  async peek(): Promise<T | undefined> {
    return this.read().catch(() => undefined);
  }

  /**
   * Renames the file if its content makes no sense, so that mobyvm can continue without it and nothing is lost.
   * @returns whether it was renamed @throws MobyvmError MOBYVM_STATE_FILE if the file system does not give it
   */
  async setAsideIfUnreadable(): Promise<boolean> {
    const text = await readFileIfPresent(this.path);
    if (text === undefined) return false;
    try {
      await this.#valueOf(text);
      return false;
    } catch {
      await setAside(this.path);
      return true;
    }
  }

  /** @throws MobyvmError MOBYVM_STATE_FILE, MOBYVM_DISK_FULL */
  async write(value: T): Promise<void> {
    await makeFolder(dirname(this.path), 'owner');
    await writeFileAtomically(this.path, await this.#seal.seal(`${JSON.stringify(value, undefined, 2)}\n`));
  }

  /** @throws MobyvmError MOBYVM_STATE_FILE */
  async remove(): Promise<void> {
    await removeFile(this.path);
  }

  async #valueOf(text: string): Promise<T> {
    const opened = await this.#seal.open(text);
    if (opened === undefined) throw this.#unreadableError(undefined);
    try {
      return this.#options.schema.parse(JSON.parse(opened));
    } catch (error) {
      throw this.#unreadableError(error);
    }
  }

  get #seal(): SecretSeal {
    return this.#options.seal ?? noSeal;
  }

  #unreadableError(error: unknown): MobyvmError {
    const {
      path,
      remedy = `Restore ${path} from a backup, or delete it to start without it.`,
      isSecret,
    } = this.#options;
    // JSON syntax errors quote the text.
    const cause = isSecret === true && error instanceof SyntaxError ? undefined : error;
    return new MobyvmError('MOBYVM_STATE_FILE', `${path} is not a valid mobyvm state file.`, remedy, {
      cause,
      details: { path },
    });
  }
}
