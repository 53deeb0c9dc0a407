import { rm } from 'node:fs/promises';
import { statIfPresent } from '../../core/host/index.js';
import type { HostPlatform } from '../../protocol/platform.js';

/** QEMU can neither grow a VHDX while the VM runs nor free its space. */
export const DATA_DISK_NAMES: Readonly<Record<HostPlatform, string>> = {
  linux: 'data.qcow2',
  windows: 'data.vhdx',
};

/** The file of the data disk, which outlives the VM's definition when `uninstall` keeps it. */
export interface DataDiskFile {
  exists(): Promise<boolean>;
  /** @returns whether it was there */
  remove(): Promise<boolean>;
}

export function dataDiskFile(path: string): DataDiskFile {
  const exists = async (): Promise<boolean> => (await statIfPresent(path)) !== undefined;
  return {
    exists,
    async remove() {
      const isThere = await exists();
      await rm(path, { force: true });
      return isThere;
    },
  };
}
