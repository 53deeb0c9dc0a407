import { MobyvmError } from '../core/values/index.js';
import type { HostPlatform } from '../protocol/platform.js';

/** @throws MobyvmError MOBYVM_USAGE: namespaces exist on Linux only */
export function refuseNamespaceOnWindows(platform: HostPlatform, namespace: string | undefined): void {
  if (platform !== 'windows' || namespace === undefined) return;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    '--netns works on Linux only: Windows has no network namespaces.',
    'Run the command without --netns.',
  );
}
