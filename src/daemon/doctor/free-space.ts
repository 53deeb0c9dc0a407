import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../../core/values/index.js';
import type { DiskRoom } from './host-room.plan.js';

/** The room where the folder is, or will be: that of the nearest folder above that is there already. */
export async function freeSpace(folder: string): Promise<DiskRoom> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return { folder, freeBytes: bavail * bsize };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    return freeSpace(dirname(folder));
  }
}
