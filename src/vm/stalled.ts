import { MobyvmError } from '../core/values/index.js';
import type { VmStall } from './driver.js';

/** The error for a stalled machine, with the same text wherever it is noticed. */
export function stalledError({ folder, freeBytes }: VmStall): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DISK_FULL',
    `The VM is paused: ${folder} is full (${Math.floor(freeBytes / 1024 ** 2)} MiB free).`,
    'Free some space on that file system. A running VM then resumes by itself; after a failed start, run `mobyvm up` again.',
    { details: { folder, freeBytes } },
  );
}
