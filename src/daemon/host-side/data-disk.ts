import { rm } from 'node:fs/promises';
import { statIfPresent } from '../../core/host/index.js';
import type { HostPlatform } from '../../protocol/platform.js';

/** QEMU can neither grow a VHDX while the VM runs nor free its space. */
export const DATA_DISK_NAMES: Readonly<Record<HostPlatform, string>> = {
  linux: 'data.qcow2',
  windows: 'data.vhdx',
};

/** Of `st_blocks`: https://man7.org/linux/man-pages/man3/stat.3type.html */
const BLOCK_BYTES = 512;

/** The file of the data disk, which outlives the VM's definition when `uninstall` keeps it. */
export interface DataDiskFile {
  exists(): Promise<boolean>;
  /** What it takes on the host; undefined if there is none. */
  usedBytes(): Promise<number | undefined>;
  /** @returns whether it was there */
  remove(): Promise<boolean>;
}

export function dataDiskFile(path: string): DataDiskFile {
  const exists = async (): Promise<boolean> => (await statIfPresent(path)) !== undefined;
  return {
    exists,
    async usedBytes() {
      const found = await statIfPresent(path);
      if (found === undefined) return undefined;
      // Windows does not count blocks.
      return found.blocks === 0 ? found.size : found.blocks * BLOCK_BYTES;
    },
    async remove() {
      const isThere = await exists();
      await rm(path, { force: true });
      return isThere;
    },
  };
}
