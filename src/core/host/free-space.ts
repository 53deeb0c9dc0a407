import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../values/index.js';

/** Free bytes on the file system of a folder, or of its nearest existing parent if it does not exist yet. */
export async function freeBytesIn(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    return freeBytesIn(dirname(folder));
  }
}
