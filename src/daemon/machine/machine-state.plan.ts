/**
 * What `mobyvm status` calls the machine.
 *
 * INVARIANTS
 * - `starting`, `stopping` and `restarting` hold only while an operation of that kind runs. An `up` of a machine that
 *   runs leaves its state alone: it is used meanwhile.
 * - `failed` always comes with an error; no other state but `degraded` has one.
 * - `degraded` means that there is a VM and its engine does not answer, or cannot.
 */
export type MachineState =
  'stopped' | 'starting' | 'running' | 'degraded' | 'stopping' | 'restarting' | 'failed';

export type MachineEvent =
  | 'up.begun'
  /** An operation found that there is no running VM. */
  | 'vm.starting'
  | 'down.begun'
  | 'restart.begun'
  | 'operation.succeeded'
  | 'operation.failed'
  | 'operation.cancelled'
  | 'engine.lost'
  | 'engine.back'
  | 'vm.stalled'
  | 'vm.exited';

/** A missing entry means that the event changes nothing in that state. */
export const MACHINE_TRANSITIONS: Readonly<
  Record<MachineState, Partial<Record<MachineEvent, MachineState>>>
> = {
  stopped: { 'up.begun': 'starting', 'down.begun': 'stopping', 'restart.begun': 'restarting' },
  starting: {
    'operation.succeeded': 'running',
    'operation.failed': 'failed',
    'operation.cancelled': 'stopped',
  },
  running: {
    'vm.starting': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'engine.lost': 'degraded',
    'vm.stalled': 'degraded',
    'operation.failed': 'failed',
    'operation.cancelled': 'failed',
    'vm.exited': 'failed',
  },
  degraded: {
    'vm.starting': 'starting',
    'down.begun': 'stopping',
    'restart.begun': 'restarting',
    'engine.back': 'running',
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
  failed: { 'up.begun': 'starting', 'down.begun': 'stopping', 'restart.begun': 'restarting' },
};

export function nextMachineState(state: MachineState, event: MachineEvent): MachineState {
  return MACHINE_TRANSITIONS[state][event] ?? state;
}
