import { MobyvmError } from '../../core/values/index.js';
import type { Settings } from './schema.js';

/** The host's resources. */
export interface HostSize {
  readonly memoryMiB: number;
  /** Logical processors. */
  readonly processors: number;
}

/** @throws MobyvmError MOBYVM_SETTINGS if a VM of that size cannot start on this host */
export function refuseTooLarge({ vm }: Pick<Settings, 'vm'>, host: HostSize): void {
  if (vm.memoryMiB <= host.memoryMiB) return;
  throw new MobyvmError(
    'MOBYVM_SETTINGS',
    `vm.memoryMiB is ${vm.memoryMiB}, but this host has only ${host.memoryMiB} MiB of memory.`,
    'Lower vm.memoryMiB in the settings and leave some memory for the host.',
  );
}

/** A warning about a size that works but is probably a mistake, or undefined. */
export function oversized({ vm }: Pick<Settings, 'vm'>, host: HostSize): string | undefined {
  return vm.cpus <= host.processors
    ? undefined
    : `vm.cpus is ${vm.cpus}, but this host has ${host.processors} processors: more virtual than real processors make the VM slower.`;
}
