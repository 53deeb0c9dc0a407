import { MobyvmError } from '../core/values/index.js';
import type { HostPlatform } from '../protocol/platform.js';

export type { HostPlatform } from '../protocol/platform.js';

/**
 * The only question about the platform; everywhere else its rules are parameters.
 * @throws MobyvmError MOBYVM_PLATFORM
 */
export function hostPlatform(): HostPlatform {
  switch (process.platform) {
    case 'linux':
      return 'linux';
    case 'win32':
      return 'windows';
    default:
      throw new MobyvmError(
        'MOBYVM_PLATFORM',
        `mobyvm does not support ${process.platform}.`,
        'Use a Windows machine with Hyper-V, or a Linux machine with QEMU.',
      );
  }
}

/** Whose rules hold for names of files and endpoints, and for texts; also on systems that mobyvm doesn't run on. */
export function nearestPlatform(): HostPlatform {
  return process.platform === 'win32' ? 'windows' : 'linux';
}
