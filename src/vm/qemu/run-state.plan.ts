import type { VmState } from '../driver.js';

/**
 * Maps QMP's `RunState` (https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html) to a {@link VmState}. An
 * unknown one counts as crashed.
 */
export function vmStateOf(runState: string): VmState {
  switch (runState) {
    case 'running':
    // Asleep (ACPI S3): the guest wakes up by itself.
    case 'suspended':
      return 'running';
    case 'prelaunch':
    case 'inmigrate':
    case 'restore-vm':
      return 'starting';
    case 'paused':
    case 'postmigrate':
    case 'finish-migrate':
    case 'save-vm':
      return 'paused';
    // With QEMU's default `werror=enospc` only a full file system leads here; `cont` retries the same
    // request.
    case 'io-error':
      return 'stalled';
    case 'shutdown':
      return 'stopping';
    default:
      return 'crashed';
  }
}
