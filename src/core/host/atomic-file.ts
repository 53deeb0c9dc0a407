import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, MobyvmError } from '../values/index.js';

/**
 * Replaces a file as a whole: a reader, or we after a power cut, see the old text or the new one, never a half.
 * @throws MobyvmError MOBYVM_DISK_FULL, MOBYVM_STATE_FILE
 */
export async function writeFileAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await makeFolder(dirname(path));
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw cannotUse(path, error);
  }
}

/**
 * Makes a folder and those above it; one that is there already is success, and keeps its mode.
 * @throws MobyvmError MOBYVM_DISK_FULL, MOBYVM_STATE_FILE
 */
export async function makeFolder(path: string, mode = 0o755): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
  } catch (error) {
    throw cannotUse(path, errnoOf(error) === 'ENOENT' ? await refusalAbove(path, error) : error);
  }
}

/** Of a read-only file system a recursive mkdir tells only that the folder is not there; making the first one tells why. */
async function refusalAbove(path: string, unexplained: unknown): Promise<unknown> {
  try {
    await mkdir(path);
    return unexplained;
  } catch (error) {
    const above = dirname(path);
    return errnoOf(error) === 'ENOENT' && above !== path ? refusalAbove(above, error) : error;
  }
}

/** The file's text, or undefined when there is none. @throws MobyvmError MOBYVM_STATE_FILE when it cannot be read */
export async function readFileIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw cannotUse(path, error);
  }
}

/** What the system says of a file or folder, or undefined when there is none. */
export async function statIfPresent(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What is wrong with a place where one of our files is, or is to be. */
const PLACE_PROBLEMS: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder where a file should be',
  ENOTDIR: 'a part of its path is a file where a folder should be',
  EEXIST: 'it is a file where a folder should be',
  ELOOP: 'its symbolic links go round in a circle',
  ENAMETOOLONG: 'the path is too long',
  EPERM: 'the file system forbids it, also to root (`lsattr` shows whether it is immutable)',
  EIO: 'the disk has an error',
  EMFILE: 'too many files are open',
};

/** The error to throw when a file or folder of ours cannot be read, made or written. What is no such trouble stays as it is. */
export function cannotUse(path: string, cause: unknown): unknown {
  const errno = errnoOf(cause) ?? '';
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return diskFull(path, cause);
  const problem = PLACE_PROBLEMS[errno];
  if (problem === undefined) return cause;
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    `${path} cannot be used: ${problem}.`,
    `Mend that, or let mobyvm use another place (MOBYVM_STATE_DIR, MOBYVM_RUN_DIR, MOBYVM_LOG_DIR, MOBYVM_SETTINGS).`,
    { cause, details: { path, errno } },
  );
}

export function diskFull(path: string, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DISK_FULL',
    `There is no space left to write ${path}.`,
    `Free some space on the file system that holds ${dirname(path)}, then run the command again.`,
    { cause },
  );
}
