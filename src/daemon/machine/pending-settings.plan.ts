import type { VmSpec } from '../../vm/index.js';
import type { Settings } from '../settings/schema.js';
import type { NetworkDescription, PendingSetting } from './machine-status.js';

/** What a running machine has, as far as it is known. */
export interface RunningMachine {
  readonly spec: VmSpec | undefined;
  readonly accelerator: string | undefined;
  readonly network: Pick<NetworkDescription, 'name' | 'subnet'>;
}

/**
 * The settings that a running machine does not follow: hardware, firmware, boot image and addresses are given to it at
 * its start. Everything else is applied by each `up`.
 */
export function pendingSettings(
  { vm, network }: Settings,
  wanted: VmSpec,
  { spec, accelerator, network: present }: RunningMachine,
): readonly PendingSetting[] {
  const rows: readonly (readonly [setting: string, from: unknown, to: unknown])[] = [
    ['vm.cpus', spec?.cpus, vm.cpus],
    ['vm.memoryMiB', spec?.memoryMiB, vm.memoryMiB],
    ['vm.firmware', spec?.firmware, wanted.firmware],
    ['vm.accelerator', accelerator, vm.accelerator === 'auto' ? accelerator : vm.accelerator],
    ['network.bridge', present.name, network.bridge],
    ['network.subnet', present.subnet, network.subnet === 'auto' ? present.subnet : network.subnet],
    ['image.directory', spec && folderOf(spec.isoPath), folderOf(wanted.isoPath)],
  ];
  return rows
    .filter(([, from, to]) => from !== undefined && from !== to)
    .map(([setting, from, to]) => ({ setting, from: String(from), to: String(to) }));
}

/** Without its last part, by the rules of either platform. */
function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')));
}

export function pendingText(pending: readonly PendingSetting[]): string {
  return pending.map(({ setting, from, to }) => `${setting} ${from} → ${to}`).join(', ');
}
