import { rm } from 'node:fs/promises';
import { statIfPresent, type ManagedResource } from '../../core/host/index.js';

export interface InstalledFilesOptions {
  readonly id: string;
  readonly title: string;
  /** Absolute paths of files and folders that mobyvm created. */
  readonly paths: readonly string[];
}

/** Files that `up` creates by other means, and that `uninstall` deletes. */
export function installedFiles(options: InstalledFilesOptions): ManagedResource {
  const { id, title, paths } = options;
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
      return isRemoved ? 'remove' : 'none';
    },
  };
}
