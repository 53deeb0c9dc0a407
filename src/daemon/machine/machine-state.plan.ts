/**
 * The machine's state in `mobyvm status`.
 *
 * INVARIANTS
 * - `starting`, `stopping` and `restarting` hold only while an operation of that kind runs. An `up` of a running
 *   machine leaves its state alone: the machine is in use.
 * - `failed` always has an error; the only other state that has one is `degraded`.
 * - `degraded` means that the VM runs but its engine does not answer, or that something on the host that it needs
 *   was changed and cannot be repaired.
 * - `stopped` means that nothing is set up on this host.
 */
export type MachineState =
  'stopped' | 'starting' | 'running' | 'degraded' | 'stopping' | 'restarting' | 'failed';

export type MachineEvent =
  | 'up.begun'
  /** An operation found no running VM. */
  | 'vm.starting'
  | 'down.begun'
  | 'restart.begun'
  | 'uninstall.begun'
  | 'operation.succeeded'
  | 'operation.failed'
  | 'operation.cancelled'
  | 'health.lost'
  | 'health.restored'
  | 'vm.stalled'
  | 'vm.exited';

/** A missing entry means that the event changes nothing. */
export const MACHINE_TRANSITIONS: Readonly<
  Record<MachineState, Partial<Record<MachineEvent, MachineState>>>
> = {
  stopped: {
    'up.begun': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
  },
  starting: {
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'stopped',
  },
  running: {
    'vm.starting': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
    'health.lost': 'degraded',
    'vm.stalled': 'degraded',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
    'vm.exited': 'failed',
  },
  degraded: {
    'vm.starting': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
    'health.restored': 'running',
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
    'vm.exited': 'failed',
  },
  stopping: {
    'operation.succeeded': 'stopped',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
  },
  restarting: {
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
  },
  failed: {
    'up.begun': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
  },
};

export function nextMachineState(state: MachineState, event: MachineEvent): MachineState {
  return MACHINE_TRANSITIONS[state][event] ?? state;
}
