import { stat } from 'node:fs/promises';
import { errnoOf, MobyvmError } from '../core/values/index.js';
import { shareError } from './share-errors.js';

/** @throws MobyvmError MOBYVM_SHARE for what does not exist, cannot be read, or is no folder */
export async function refuseUnusableFolder(path: string): Promise<void> {
  let reason: string;
  try {
    if ((await stat(path)).isDirectory()) return;
    throw shareError(`${path} is a file.`, 'Share the folder that it is in.');
  } catch (error) {
    if (error instanceof MobyvmError) throw error;
    const errno = errnoOf(error);
    reason =
      errno === 'ENOENT' || errno === 'ENOTDIR' ? 'does not exist' : `cannot be read (${errno ?? '?'})`;
  }
  throw shareError(`${path} ${reason}.`, 'Correct the path, or create the folder first.');
}
