import { MobyvmError } from '../core/values/index.js';
import type { HostPlatform } from '../protocol/platform.js';

/** @param missing what is missing, completing a sentence that begins with "mobyvm lacks" */
export function notOnWindowsError(missing: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_PLATFORM',
    `The VM cannot run on Windows yet: mobyvm lacks ${missing}.`,
    'Run `mobyvm doctor` to check whether this host will be able to, and see docs/verified.md for what is missing. Linux is fully supported.',
  );
}

/** @throws MobyvmError MOBYVM_USAGE: namespaces exist on Linux only */
export function refuseNamespaceOnWindows(platform: HostPlatform, namespace: string | undefined): void {
  if (platform !== 'windows' || namespace === undefined) return;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    '--netns works on Linux only: Windows has no network namespaces.',
    'Run the command without --netns.',
  );
}
