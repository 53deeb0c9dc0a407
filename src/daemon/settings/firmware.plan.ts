import type { VmSpec } from '../../vm/index.js';
import type { HostPlatform } from '../platform.js';
import type { Settings } from './schema.js';

/**
 * Microsoft recommends generation 2 for Hyper-V. On Linux, OVMF is a separate package, while SeaBIOS comes
 * with QEMU.
 */
const AUTOMATIC: Readonly<Record<HostPlatform, VmSpec['firmware']>> = { windows: 'uefi', linux: 'bios' };

/** The firmware for a machine on this host. */
export function firmwareFor(wanted: Settings['vm']['firmware'], platform: HostPlatform): VmSpec['firmware'] {
  return wanted === 'auto' ? AUTOMATIC[platform] : wanted;
}
