import type { VmState } from '../driver.js';

/**
 * The driver's state for each of Hyper-V's states. The names are those of the enum
 * Microsoft.HyperV.PowerShell.VMState, which are not localised.
 */
const STATES: ReadonlyMap<string, VmState> = new Map(
  Object.entries({
    Off: 'off',
    // Its files cannot be reached. Nothing is running, and a start reports why.
    OffCritical: 'off',
    // The guest has written its memory to its own disk, and resumes from it when it is started.
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

/**
 * In any other state, such as the critical ones and those of later versions, all that is left is to power
 * off.
 */
export function vmStateOf(name: string): VmState {
  return STATES.get(name) ?? 'crashed';
}

/** A state in which a machine process exists. */
export function isLive(state: VmState): boolean {
  return state !== 'absent' && state !== 'off' && state !== 'saved';
}

/** Hyper-V leaves this state by itself. */
export function isPassing(state: VmState): boolean {
  return state === 'starting' || state === 'stopping';
}
