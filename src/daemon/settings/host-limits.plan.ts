import { MobyvmError } from '../../core/values/index.js';
import type { Settings } from './schema.js';

/** What a host can give its VM. */
export interface HostSize {
  readonly memoryMiB: number;
  /** Threads that run at the same time. */
  readonly processors: number;
}

/** @throws MobyvmError MOBYVM_SETTINGS when no VM of that size can start on this host */
export function refuseTooLarge({ vm }: Pick<Settings, 'vm'>, host: HostSize): void {
  if (vm.memoryMiB <= host.memoryMiB) return;
  throw new MobyvmError(
    'MOBYVM_SETTINGS',
    `vm.memoryMiB is ${vm.memoryMiB}, but this host has ${host.memoryMiB} MiB in all.`,
    'Lower vm.memoryMiB in the settings; leave some of the memory to the host.',
  );
}

/** One sentence on what works and is hardly meant, or undefined. */
export function oversized({ vm }: Pick<Settings, 'vm'>, host: HostSize): string | undefined {
  return vm.cpus <= host.processors
    ? undefined
    : `vm.cpus is ${vm.cpus}, but this host has ${host.processors}: more processors than there are make the VM slower, not faster.`;
}
