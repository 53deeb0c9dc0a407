import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../values/index.js';

/** Bytes that may still be written to a folder; for one that does not exist yet, to its nearest existing parent. */
export async function freeBytesIn(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    return freeBytesIn(dirname(folder));
  }
}
