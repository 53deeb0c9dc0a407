import { MobyvmError } from '../core/values/index.js';
import type { VmStall } from './driver.js';

/** What a stalled machine is told of: the same words whoever finds it so. */
export function stalledByFullDisk({ folder, freeBytes }: VmStall): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DISK_FULL',
    `The VM stands still: what the guest writes has no room in ${folder} (${Math.floor(freeBytes / 1024 ** 2)} MiB are free there).`,
    'Free some space on that file system. A running VM then goes on by itself; after a failed start run `mobyvm up` again.',
    { details: { folder, freeBytes } },
  );
}
