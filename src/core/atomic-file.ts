import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, MobyvmError } from './errors.js';

/**
 * Replaces a file as a whole: a reader, or we after a power cut, see the old text or the new one, never a half.
 * @throws MobyvmError MOBYVM_DISK_FULL
 */
export async function writeFileAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
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
    throw errnoOf(error) === 'ENOSPC' ? diskFull(path, error) : error;
  }
}

/** The file's text, or undefined when there is none. */
export async function readFileIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function diskFull(path: string, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DISK_FULL',
    `There is no space left to write ${path}.`,
    `Free some space on the file system that holds ${dirname(path)}, then run the command again.`,
    { cause },
  );
}
