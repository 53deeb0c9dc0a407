import type { VmSpec } from '../../vm/index.js';
import type { HostPlatform } from '../platform.js';
import type { Settings } from './schema.js';

/** Generation 2 is what Hyper-V recommends; on Linux OVMF is a package of its own, and SeaBIOS comes with QEMU. */
const AUTOMATIC: Readonly<Record<HostPlatform, VmSpec['firmware']>> = { windows: 'uefi', linux: 'bios' };

/** The firmware that a machine of this host gets. */
export function firmwareFor(wanted: Settings['vm']['firmware'], platform: HostPlatform): VmSpec['firmware'] {
  return wanted === 'auto' ? AUTOMATIC[platform] : wanted;
}
