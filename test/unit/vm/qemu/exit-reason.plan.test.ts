import { describe, expect, it } from 'vitest';
import { explainExit, type ExitEvidence } from '../../../../src/vm/qemu/exit-reason.plan.js';
import { vmStateOf } from '../../../../src/vm/qemu/run-state.plan.js';

const EVIDENCE: ExitEvidence = {
  pid: 4711,
  intent: undefined,
  shutdownCause: undefined,
  kernelPanic: undefined,
  lastWords: '',
};

describe('an exit', () => {
  it.each<[string, Partial<ExitEvidence>, string, string]>([
    ['guest', { shutdownCause: 'guest-shutdown' }, 'guest', 'The guest shut itself down.'],
    ['guest', { shutdownCause: 'guest-reset' }, 'guest', 'The guest asked for a restart.'],
    ['us', { intent: 'it was powered off' }, 'host', 'QEMU (pid 4711) ended: it was powered off.'],
    [
      'us, though the guest obeyed',
      { intent: 'it was asked to shut down', shutdownCause: 'guest-shutdown' },
      'host',
      'QEMU (pid 4711) ended: it was asked to shut down.',
    ],
    [
      'a panic, which resets',
      { shutdownCause: 'guest-reset', kernelPanic: 'VFS: no root' },
      'died',
      "The guest's kernel panicked: VFS: no root.",
    ],
    [
      'a signal',
      { shutdownCause: 'host-signal' },
      'died',
      'QEMU (pid 4711) was ended by a signal from outside.',
    ],
    ['SIGKILL', {}, 'died', 'QEMU (pid 4711) was killed or crashed.'],
    [
      'a crash',
      { lastWords: 'assertion failed' },
      'died',
      'QEMU (pid 4711) was killed or crashed; it said: assertion failed',
    ],
    ['a cause of the future', { shutdownCause: 'host-mood' }, 'died', 'QEMU (pid 4711) ended (host-mood).'],
  ])('by %s is told as such', (_who, evidence, reason, detail) => {
    expect(explainExit({ ...EVIDENCE, ...evidence })).toEqual({ reason, detail });
  });
});

describe('a QMP run state', () => {
  it.each([
    ['running', 'running'],
    ['prelaunch', 'starting'],
    ['inmigrate', 'starting'],
    ['paused', 'paused'],
    ['postmigrate', 'paused'],
    ['io-error', 'stalled'],
    ['shutdown', 'stopping'],
    ['internal-error', 'crashed'],
    ['guest-panicked', 'crashed'],
    ['of-the-future', 'crashed'],
  ])('%s is our %s', (runState, state) => {
    expect(vmStateOf(runState)).toBe(state);
  });
});
