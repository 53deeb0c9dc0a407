import { chown } from 'node:fs/promises';

/** Who may read a file, besides its owner: nobody, the owner's group, or everybody. Nobody else may write it. */
export type FileAccess = 'owner' | 'group' | 'everyone';

/**
 * The mode that a file is created with: https://man7.org/linux/man-pages/man7/inode.7.html. Windows ignores it;
 * there a file has the access list of its folder, see {@link FileProtection}.
 */
export function fileMode(access: FileAccess): number {
  return FILE_MODES[access];
}

/** Likewise for a folder, which those who may read in it may enter. */
export function folderMode(access: Exclude<FileAccess, 'group'>): number {
  return access === 'owner' ? 0o700 : 0o755;
}

const FILE_MODES: Readonly<Record<FileAccess, number>> = { owner: 0o600, group: 0o640, everyone: 0o644 };

/** Changes the owner of files: https://man7.org/linux/man-pages/man2/chown.2.html. Does nothing on Windows. */
export async function giveTo(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  paths: readonly string[],
): Promise<void> {
  for (const path of paths) await chown(path, uid, gid);
}
