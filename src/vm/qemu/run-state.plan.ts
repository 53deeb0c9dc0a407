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
    // The host's file system failed or is full; `cont` tries the same request again.
    case 'io-error':
      return 'paused';
    case 'shutdown':
      return 'stopping';
    default:
      return 'crashed';
  }
}
