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

/** What clients are shown: of a machine that is stopped also what is left of its VM, which is observed and no state. */
export type ShownState = MachineState | 'absent' | 'saved';

/** @param vm the state of the VM, as its driver sees it */
export function shownState(state: MachineState, vm: string): ShownState {
  return state === 'stopped' && (vm === 'absent' || vm === 'saved') ? vm : state;
}

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

/**
 * Every event in every state in which it can occur; with the state itself, it changes nothing. A missing entry means that it
 * cannot occur: a bug. docs/states.md shows this table.
 */
export const MACHINE_TRANSITIONS: Readonly<
  Record<MachineState, Readonly<Partial<Record<MachineEvent, MachineState>>>>
> = {
  stopped: {
    'up.begun': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
    // A VM that an earlier daemon left, and that no `up` has adopted.
    'vm.stalled': 'stopped',
    'vm.exited': 'stopped',
  },
  starting: {
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'stopped',
    'vm.starting': 'starting',
    // The operation notices by itself.
    'vm.stalled': 'starting',
    'vm.exited': 'starting',
  },
  running: {
    'up.begun': 'running',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
    'health.lost': 'degraded',
    'health.restored': 'running',
    'vm.starting': 'starting',
    'vm.stalled': 'degraded',
    'vm.exited': 'failed',
  },
  degraded: {
    'up.begun': 'degraded',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
    'health.lost': 'degraded',
    'health.restored': 'running',
    'vm.starting': 'starting',
    'vm.stalled': 'degraded',
    'vm.exited': 'failed',
  },
  stopping: {
    'operation.succeeded': 'stopped',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
    'vm.stalled': 'stopping',
    'vm.exited': 'stopping',
  },
  restarting: {
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
    'vm.starting': 'restarting',
    'vm.stalled': 'restarting',
    'vm.exited': 'restarting',
  },
  failed: {
    'up.begun': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'uninstall.begun': 'stopping',
    'vm.stalled': 'failed',
    'vm.exited': 'failed',
  },
};

/** Undefined if the event cannot occur in this state. */
export function nextMachineState(state: MachineState, event: MachineEvent): MachineState | undefined {
  return MACHINE_TRANSITIONS[state][event];
}
