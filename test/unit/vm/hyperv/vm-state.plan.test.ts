import { describe, expect, it } from 'vitest';
import { isLive, isPassing, vmStateOf } from '../../../../src/vm/hyperv/vm-state.plan.js';

describe('the state of a Hyper-V machine', () => {
  it.each([
    ['Off', 'off'],
    ['Running', 'running'],
    ['Saved', 'saved'],
    ['FastSaved', 'saved'],
    ['Paused', 'paused'],
    ['PausedCritical', 'stalled'],
    ['Starting', 'starting'],
    ['Resuming', 'starting'],
    ['Reset', 'starting'],
    ['Stopping', 'stopping'],
    ['Saving', 'stopping'],
    ['Pausing', 'stopping'],
    ['ForceReboot', 'starting'],
    ['ForceShutdown', 'stopping'],
    ['Hibernated', 'off'],
    ['RunningCritical', 'crashed'],
    ['OffCritical', 'off'],
    ['SavedCritical', 'saved'],
    ['FastSavedCritical', 'saved'],
    ['Other', 'crashed'],
    ['', 'crashed'],
    ['constructor', 'crashed'],
  ])('%s is %s to a driver', (name, state) => {
    expect(vmStateOf(name)).toBe(state);
  });

  it('is live while there is a process, and transient while Hyper-V works on it', () => {
    const states = [
      'absent',
      'off',
      'saved',
      'starting',
      'running',
      'paused',
      'stalled',
      'stopping',
      'crashed',
    ] as const;
    expect(states.filter(isLive)).toEqual([
      'starting',
      'running',
      'paused',
      'stalled',
      'stopping',
      'crashed',
    ]);
    expect(states.filter(isPassing)).toEqual(['starting', 'stopping']);
  });
});
