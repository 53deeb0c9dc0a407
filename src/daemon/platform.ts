import { MobyvmError } from '../core/values/index.js';

export type HostPlatform = 'linux' | 'windows';

/**
 * The one question about the platform; everywhere else its rules are parameters.
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
        `mobyvm does not run on ${process.platform}.`,
        'Use a Windows machine with Hyper-V, or a Linux machine with QEMU.',
      );
  }
}

/** Whether names of files and endpoints are those of Windows; asks nothing of other systems. */
export function hasWindowsPaths(): boolean {
  return process.platform === 'win32';
}
