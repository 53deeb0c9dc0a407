import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MountOutcome, MountStep } from '../../../../src/share/guest-mounts.js';
import {
  isSettled,
  nextShareStatus,
  retryAfterMs,
  SHARE_OFF,
  type ShareEvent,
  type ShareState,
  type ShareStatus,
} from '../../../../src/share/state/share-state.plan.js';

const READY: ShareEvent = { kind: 'vm-ready' };
const MOUNTED: ShareEvent = { kind: 'health', health: { kind: 'mounted' } };

function after(...events: readonly ShareEvent[]): ShareStatus {
  return events.reduce((status, event) => nextShareStatus(status, event, 'C'), SHARE_OFF);
}

function failed(step: MountStep, errno: number, text = ''): ShareEvent {
  return { kind: 'mount-ended', outcome: { ok: false, step, errno, text } };
}

function broken(errno: number): ShareEvent {
  return { kind: 'health', health: { kind: 'broken', errno } };
}

describe('a share', () => {
  test('is off until the VM is ready, and then mounting until it was read from', () => {
    expect(after(MOUNTED).state).toBe('off');
    expect(after(READY).state).toBe('mounting');
    expect(after(READY, { kind: 'mount-ended', outcome: { ok: true } }).state).toBe('mounting');
    expect(after(READY, MOUNTED)).toEqual({ state: 'healthy', failures: 0 });
  });

  test.each<[string, ShareEvent, ShareState, RegExp]>([
    ['no answer from the port', failed('tcp', 0), 'unreachable', /no answer.*firewall/],
    ['a closed port', failed('tcp', 111), 'unreachable', /nothing listens/],
    ['no route', failed('tcp', 113), 'unreachable', /no route/],
    ['another dialect', failed('negotiate', 95), 'unreachable', /does not speak SMB 3/],
    ['a wrong login', failed('login', 13), 'needs-credentials', /refuses the login/],
    ['no right to the share', failed('tree', 13), 'refused', /has no right/],
    ['a missing share', failed('tree', 2), 'refused', /does not offer/],
    ['a server that is silent while mounting', failed('mount', 112), 'unreachable', /did not answer/],
    [
      'a mount that the VM refuses',
      failed('mount', 22, 'bad option'),
      'refused',
      /cannot mount C \(bad option\)/,
    ],
    ['a server that stopped', broken(112), 'unreachable', /no longer answers/],
    ['a probe without an answer', broken(0), 'unreachable', /no longer answers/],
    ['a changed password', broken(13), 'needs-credentials', /refuses the login/],
    ['a folder that was deleted', broken(2), 'refused', /folder of share C is gone/],
    ['a VM that is silent', { kind: 'vm-silent', reason: 'no answer' }, 'unreachable', /VM does not answer/],
  ])('after %s says so, with a remedy', (_what, event, state, reason) => {
    const status = after(READY, MOUNTED, event);
    expect(status).toMatchObject({ state, failures: 1 });
    expect(status.failure?.reason).toMatch(reason);
    expect(status.failure?.reason).not.toMatch(/\.$/);
    expect(status.failure?.remedy).toMatch(/\S.*[\w`]/);
  });

  test('passes on what the host found', () => {
    const problem = { state: 'refused', reason: 'gone', remedy: 'Create it.' } as const;
    expect(after(READY, { kind: 'host-problem', problem })).toMatchObject({
      state: 'refused',
      failure: { step: 'host', reason: 'gone', remedy: 'Create it.' },
    });
  });

  test('forgets its failure once it is healthy', () => {
    expect(after(READY, failed('tcp', 111), MOUNTED)).toEqual({ state: 'healthy', failures: 0 });
  });

  test('shows one short line of what the guest says', () => {
    const status = after(READY, failed('mount', 22, `a\u001b[31m\nb${'x'.repeat(5_000)}`));
    expect(status.failure?.reason).not.toMatch(/\p{Cc}/u);
    expect(status.failure?.reason.length).toBeLessThan(400);
  });

  test('stays removed, and is off without a VM, whatever happens', () => {
    const events = fc.oneof(
      fc.constant(READY),
      fc.constant(MOUNTED),
      fc.integer({ min: 0, max: 200 }).map(broken),
      fc.constantFrom<ShareEvent>({ kind: 'changed' }, { kind: 'vm-lost' }),
    );
    fc.assert(
      fc.property(fc.array(events), (list) => {
        expect(after(...list, { kind: 'removed' }, ...list).state).toBe('removed');
        expect(after(...list, { kind: 'vm-lost' })).toEqual(SHARE_OFF);
      }),
    );
  });
});

describe('another attempt', () => {
  const failures = (count: number, event: ShareEvent): ShareStatus =>
    after(READY, ...Array.from({ length: count }, () => event));

  test('comes within five seconds, soon at first', () => {
    const waits = [1, 2, 3, 4, 5, 50].map((count) => retryAfterMs(failures(count, failed('tcp', 111))));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  test('with a password that was refused comes late: accounts are locked after some', () => {
    expect(retryAfterMs(failures(1, failed('login', 13)))).toBeGreaterThanOrEqual(60_000);
  });

  test('is not waited for by `up` where it is unlikely to help', () => {
    expect(isSettled(failures(1, failed('login', 13)))).toBe(true);
    expect(isSettled(failures(1, failed('tcp', 111)))).toBe(false);
    expect(isSettled(failures(3, failed('tcp', 111)))).toBe(true);
    expect(isSettled(after(READY))).toBe(false);
    expect(isSettled(after(READY, MOUNTED))).toBe(true);
  });
});

test('every outcome of a mount gives one of the known states', () => {
  const outcome = fc.record({
    ok: fc.constant(false as const),
    step: fc.constantFrom<MountStep>('tcp', 'negotiate', 'login', 'tree', 'mount'),
    errno: fc.integer({ min: 0, max: 4_095 }),
    text: fc.string(),
  });
  fc.assert(
    fc.property(outcome, (each: MountOutcome) => {
      const { state } = after(READY, { kind: 'mount-ended', outcome: each });
      expect(['needs-credentials', 'unreachable', 'refused']).toContain(state);
    }),
  );
});
