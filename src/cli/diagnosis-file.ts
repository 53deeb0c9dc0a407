import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { fileAccessError, fileMode } from '../core/host/index.js';
import { errnoOf, MobyvmError } from '../core/values/index.js';

/** The file to be written: made before anything is collected, so that a bad path is known at once. */
export class DiagnosisFile implements AsyncDisposable {
  readonly #path: string;
  /** Undefined once it is complete. */
  #unfinished: { readonly path: string; readonly handle: FileHandle } | undefined;

  private constructor(path: string, unfinished: { readonly path: string; readonly handle: FileHandle }) {
    this.#path = path;
    this.#unfinished = unfinished;
  }

  /** @throws MobyvmError MOBYVM_USAGE, MOBYVM_DISK_FULL */
  static async create(path: string, replaces: boolean): Promise<DiagnosisFile> {
    if (replaces && (await isFolder(path))) throw unusableError(path, 'it is a folder');
    const own = replaces ? `${path}.${randomUUID()}.tmp` : path;
    try {
      // Exclusive: it follows no link, and no file that another program made meanwhile is used.
      return new DiagnosisFile(path, { path: own, handle: await open(own, 'wx', fileMode('owner')) });
    } catch (error) {
      throw await openError(path, error);
    }
  }

  async write(content: Uint8Array): Promise<void> {
    const unfinished = this.#unfinished;
    if (unfinished === undefined) return;
    try {
      await unfinished.handle.writeFile(content);
      await unfinished.handle.sync();
      await unfinished.handle.close();
      if (unfinished.path !== this.#path) await rename(unfinished.path, this.#path);
      this.#unfinished = undefined;
    } catch (error) {
      throw fileAccessError(this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#unfinished === undefined) return;
    const { path, handle } = this.#unfinished;
    await handle.close().catch(() => undefined);
    await rm(path, { force: true });
  }
}

async function openError(path: string, error: unknown): Promise<unknown> {
  switch (errnoOf(error)) {
    case 'EEXIST':
      return (await isFolder(path))
        ? unusableError(path, 'it is a folder')
        : unusableError(path, 'it exists already', 'Add --force to replace it, or name another file.');
    case 'ENOENT':
      return unusableError(path, 'its folder does not exist');
    case 'ENOTDIR':
      return unusableError(path, 'part of its path is a file');
    case 'EACCES':
    case 'EPERM':
      return unusableError(path, 'this user may not write there');
    case 'EROFS':
      return unusableError(path, 'its file system is read-only');
    case 'ENAMETOOLONG':
      return unusableError(path, 'the name is too long');
    default:
      return fileAccessError(path, error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function unusableError(
  path: string,
  problem: string,
  remedy = 'Name another file: mobyvm diagnose --out FILE',
): MobyvmError {
  return new MobyvmError('MOBYVM_USAGE', `${path} cannot be written: ${problem}.`, remedy);
}
