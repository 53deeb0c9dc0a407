import type { VmState } from '../driver.js';

/** QMP's `RunState` (QEMU qapi/run-state.json), as what our contract calls it. An unknown one counts as crashed. */
export function vmStateOf(runState: string): VmState {
  switch (runState) {
    case 'running':
    // Asleep (ACPI S3): the guest goes on by itself.
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
    // With QEMU's default `werror=enospc` only a full file system leads here; `cont` tries the same request again.
    case 'io-error':
      return 'stalled';
    case 'shutdown':
      return 'stopping';
    default:
      return 'crashed';
  }
}
