import { describe, expect, test } from 'vitest';
import { explainExit, type ExitEvidence } from '../../../../src/vm/qemu/exit-reason.plan.js';
import { vmStateOf } from '../../../../src/vm/qemu/run-state.plan.js';

const EVIDENCE: ExitEvidence = {
  pid: 4711,
  intent: undefined,
  shutdownCause: undefined,
  kernelPanic: undefined,
  lastMessage: '',
};

describe('a QEMU exit', () => {
  test.each<[string, Partial<ExitEvidence>, string, string]>([
    ['guest', { shutdownCause: 'guest-shutdown' }, 'guest', 'The guest shut itself down.'],
    ['guest', { shutdownCause: 'guest-reset' }, 'guest', 'The guest requested a reboot.'],
    ['us', { intent: 'it was powered off' }, 'host', 'QEMU (pid 4711) exited: it was powered off.'],
    [
      'mobyvm, with a guest that obeyed',
      { intent: 'it was asked to shut down', shutdownCause: 'guest-shutdown' },
      'host',
      'QEMU (pid 4711) exited: it was asked to shut down.',
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
      'QEMU (pid 4711) was terminated by a signal from another process.',
    ],
    ['SIGKILL', {}, 'died', 'QEMU (pid 4711) was killed or crashed.'],
    [
      'a crash',
      { lastMessage: 'assertion failed' },
      'died',
      'QEMU (pid 4711) was killed or crashed; its last message: assertion failed',
    ],
    ['an unknown cause', { shutdownCause: 'host-mood' }, 'died', 'QEMU (pid 4711) exited (host-mood).'],
  ])('caused by %s is reported as such', (_who, evidence, reason, detail) => {
    expect(explainExit({ ...EVIDENCE, ...evidence })).toEqual({ reason, detail });
  });
});

describe('a QMP run state', () => {
  test.each([
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
  ])('%s is %s to a driver', (runState, state) => {
    expect(vmStateOf(runState)).toBe(state);
  });
});
