import { MobyvmError } from '../core/values/index.js';
import type { HostPlatform } from './platform.js';

/** As long as the parts of a daemon are not joined there. @throws MobyvmError MOBYVM_PLATFORM */
export function refuseOnWindows(platform: HostPlatform): void {
  if (platform !== 'windows') return;
  throw new MobyvmError(
    'MOBYVM_PLATFORM',
    'The VM cannot run on Windows yet.',
    'Run `mobyvm doctor` to see whether this host can, and read docs/verified.md for what is missing. On Linux everything runs.',
  );
}
