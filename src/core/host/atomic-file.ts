import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf, MobyvmError } from '../values/index.js';
import { fileMode, folderMode, type FileAccess } from './file-access.js';

/**
 * Replaces a file atomically: a reader, or mobyvm after a power failure, sees the old text or the new one,
 * never a partial one. Once this has returned, a power failure does not bring the old text back.
 * @throws MobyvmError MOBYVM_DISK_FULL, MOBYVM_STATE_FILE
 */
export async function writeFileAtomically(
  path: string,
  text: string | Uint8Array,
  access: FileAccess = 'owner',
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await makeFolder(dirname(path));
    const file = await open(temporary, 'wx', fileMode(access));
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileAccessError(path, error);
  }
}

/**
 * Deletes a file, if it exists, so that a power failure does not bring it back.
 * @throws MobyvmError MOBYVM_STATE_FILE
 */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileAccessError(path, error);
  }
}

/**
 * Renames a file, so that a power failure does not undo it.
 * @throws MobyvmError MOBYVM_DISK_FULL, MOBYVM_STATE_FILE
 */
export async function renameFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncFolder(dirname(to));
  } catch (error) {
    throw fileAccessError(from, error);
  }
}

/** What a system answers that syncs no folders: Windows (NTFS keeps a journal of names), some network file systems. */
const NO_FOLDER_SYNC: readonly unknown[] = ['EACCES', 'EBADF', 'EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM'];

/**
 * Writes the names in a folder to the disk: the sync of a file does not include its name, see
 * https://man7.org/linux/man-pages/man2/fsync.2.html.
 */
async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path, 'r');
    await folder.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC.includes(errnoOf(error))) throw error;
  }
}

/**
 * Creates a folder and its parents. Succeeds if it already exists, and keeps its mode. Folders that hold secrets
 * are made by {@link FileProtection}.
 * @throws MobyvmError MOBYVM_DISK_FULL, MOBYVM_STATE_FILE
 */
export async function makeFolder(path: string, access: 'owner' | 'everyone' = 'everyone'): Promise<void> {
  try {
    const topmost = await mkdir(path, { recursive: true, mode: folderMode(access) });
    if (topmost !== undefined) await syncAbove(path, topmost);
  } catch (error) {
    throw fileAccessError(path, errnoOf(error) === 'ENOENT' ? await mkdirErrorAbove(path, error) : error);
  }
}

/** Syncs the folders that hold the names of new ones: `topmost`, `path`, and those between. */
async function syncAbove(path: string, topmost: string): Promise<void> {
  const end = resolve(topmost);
  for (let each = resolve(path); ; each = dirname(each)) {
    await syncFolder(dirname(each));
    if (each === end || each === dirname(each)) return;
  }
}

/**
 * On a read-only file system, a recursive mkdir only reports that the folder does not exist. Creating the
 * topmost missing folder reports the real reason.
 */
async function mkdirErrorAbove(path: string, fallback: unknown): Promise<unknown> {
  try {
    await mkdir(path);
    return fallback;
  } catch (error) {
    const above = dirname(path);
    return errnoOf(error) === 'ENOENT' && above !== path ? mkdirErrorAbove(above, error) : error;
  }
}

/**
 * The file's text, or undefined if it does not exist.
 * @throws MobyvmError MOBYVM_STATE_FILE if it cannot be read
 */
export async function readFileIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileAccessError(path, error);
  }
}

/**
 * The file's bytes, at most one more than the limit, or undefined if it does not exist.
 * @throws MobyvmError MOBYVM_STATE_FILE if it cannot be read
 */
export async function readBytesIfPresent(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, 'r');
    const chunks: Buffer[] = [];
    for (let left = maxBytes + 1; left > 0;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(left, 65_536)));
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      left -= bytesRead;
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileAccessError(path, error);
  }
}

/** The result of `stat`, or undefined if the file or folder does not exist. */
export async function statIfPresent(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Explains why a path cannot be read or written. */
const PATH_PROBLEMS: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder where a file should be',
  ENOTDIR: 'part of its path is a file where a folder should be',
  EEXIST: 'it is a file where a folder should be',
  ELOOP: 'its symbolic links form a loop',
  ENAMETOOLONG: 'the path is too long',
  EPERM: 'the file system does not permit it, even for root (check `lsattr` for the immutable flag)',
  EIO: 'the disk reported an I/O error',
  EMFILE: 'too many files are open',
};

/**
 * The error to throw when a file or folder cannot be read, created or written. Other errors are returned
 * unchanged.
 */
export function fileAccessError(path: string, cause: unknown): unknown {
  const errno = errnoOf(cause) ?? '';
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return diskFullError(path, cause);
  const problem = PATH_PROBLEMS[errno];
  if (problem === undefined) return cause;
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    `${path} cannot be used: ${problem}.`,
    `Fix the problem, or point mobyvm at another path (MOBYVM_STATE_DIR, MOBYVM_RUN_DIR, MOBYVM_LOG_DIR, MOBYVM_SETTINGS).`,
    { cause, details: { path, errno } },
  );
}

export function diskFullError(path: string, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DISK_FULL',
    `No space left to write ${path}.`,
    `Free some space on the file system of ${dirname(path)}, then run the command again.`,
    { cause },
  );
}
