import { rm, rmdir } from 'node:fs/promises';
import { statIfPresent, type ManagedResource } from '../../core/host/index.js';
import { errnoOf } from '../../core/values/index.js';

export interface InstalledFilesOptions {
  readonly id: string;
  readonly title: string;
  /** Absolute paths of files and folders that mobyvm created. */
  readonly paths: readonly string[];
  /** Folders to delete afterwards if they are empty: somebody else's files in them are kept. */
  readonly emptyFolders?: readonly string[];
}

/** Files that `up` creates by other means, and that `uninstall` deletes. */
export function installedFiles(options: InstalledFilesOptions): ManagedResource {
  const { id, title, paths, emptyFolders = [] } = options;
  return {
    id,
    title,
    lifetime: 'installation',
    isRepaired: false,
    plan: () => Promise.resolve({ kind: 'none' }),
    ensure: () => Promise.resolve('none'),
    remove: async () => {
      let isRemoved = false;
      for (const path of paths) {
        if ((await statIfPresent(path)) === undefined) continue;
        await rm(path, { recursive: true, force: true });
        isRemoved = true;
      }
      for (const folder of emptyFolders) await removeIfEmpty(folder);
      return isRemoved ? 'remove' : 'none';
    },
  };
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
  }
}
