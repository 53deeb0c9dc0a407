import type { VmState } from '../driver.js';

/**
 * Hyper-V's `VMState`, by name, as a driver's state. Names are those of the enum Microsoft.HyperV.PowerShell.VMState, which no
 * language of Windows changes.
 */
const STATES: ReadonlyMap<string, VmState> = new Map(
  Object.entries({
    Off: 'off',
    // Its files cannot be reached: nothing runs, and a start says why.
    OffCritical: 'off',
    // Its memory is in a file of the guest's: a start goes on with it.
    Hibernated: 'off',
    Running: 'running',
    Saved: 'saved',
    FastSaved: 'saved',
    SavedCritical: 'saved',
    FastSavedCritical: 'saved',
    Paused: 'paused',
    Starting: 'starting',
    Resuming: 'starting',
    Reset: 'starting',
    ForceReboot: 'starting',
    ComponentServicing: 'starting',
    Stopping: 'stopping',
    Saving: 'stopping',
    FastSaving: 'stopping',
    Pausing: 'stopping',
    ForceShutdown: 'stopping',
    // Hyper-V pauses a machine whose disk's volume is full.
    PausedCritical: 'stalled',
  } satisfies Record<string, VmState>),
);

/** Any other state, the critical ones and those of versions to come, is one that only powering off leads out of. */
export function vmStateOf(name: string): VmState {
  return STATES.get(name) ?? 'crashed';
}

/** A state in which a machine process exists. */
export function isLive(state: VmState): boolean {
  return state !== 'absent' && state !== 'off' && state !== 'saved';
}

/** One that Hyper-V leaves by itself. */
export function isPassing(state: VmState): boolean {
  return state === 'starting' || state === 'stopping';
}
