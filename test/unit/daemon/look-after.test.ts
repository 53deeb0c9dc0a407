import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { lookAfter } from '../../../src/daemon/look-after.js';
import type { MachineState } from '../../../src/daemon/machine/machine-state.plan.js';
import {
  nextRepairPauseMs,
  retryPauseMs,
  type RepairOutcome,
} from '../../../src/daemon/machine/repair-pace.plan.js';
import type { NetworkChange } from '../../../src/vm/index.js';

const CHECKS = { repair: { shortMs: 10_000, longMs: 80_000 }, guardMs: 2_000 };

/** A machine that only counts how often it is looked at. */
function countingMachine({ isAnnounced }: { readonly isAnnounced: boolean }) {
  const looks = { health: 0, repair: 0, guard: 0, network: 0, ports: 0 };
  const watch = { isWatching: true, isClosed: false };
  const found: { outcome: RepairOutcome } = { outcome: 'unchanged' };
  let announce: (change: NetworkChange) => void = () => undefined;
  let changed: () => void = () => undefined;
  const note = (what: keyof typeof looks): Promise<void> => {
    looks[what] += 1;
    return Promise.resolve();
  };
  const machine = {
    state: 'running' as MachineState,
    onStatusChange: (listener: () => void) => {
      changed = listener;
      return () => undefined;
    },
    checkHealth: () => note('health'),
    repairDue: () => note('repair').then(() => found.outcome),
    checkGuard: () => note('guard'),
    checkNetwork: () => note('network'),
    checkPorts: () => note('ports'),
    watchNetwork: (onChange: (change: NetworkChange) => void) => {
      announce = onChange;
      return isAnnounced
        ? {
            get isWatching() {
              return watch.isWatching;
            },
            close: () => Promise.resolve(void (watch.isClosed = true)),
          }
        : undefined;
    },
  };
  return {
    machine,
    looks,
    watch,
    found,
    announce: (change: NetworkChange) => announce(change),
    enter: (state: MachineState) => {
      machine.state = state;
      changed();
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a machine that is up', () => {
  test('is looked at ever less often while changes are announced and there are none', async () => {
    const { machine, looks, enter } = countingMachine({ isAnnounced: true });
    const end = lookAfter(machine, CHECKS);
    enter('running');
    await vi.advanceTimersByTimeAsync(600_000);
    // 10, 20, 40 and then every 80 seconds.
    expect(looks.repair).toBeGreaterThanOrEqual(8);
    expect(looks.repair).toBeLessThanOrEqual(11);
    expect(looks.guard).toBe(0);
    expect(looks.network).toBeLessThanOrEqual(3);
    await end();
  });

  test('is looked at as soon as a change is announced, once for several', async () => {
    const { machine, looks, enter, announce } = countingMachine({ isAnnounced: true });
    const end = lookAfter(machine, CHECKS);
    enter('running');
    for (let line = 0; line < 5; line += 1) announce('ours');
    await vi.advanceTimersByTimeAsync(500);
    expect(looks).toMatchObject({ repair: 1, network: 0 });
    announce('ours');
    announce('others');
    await vi.advanceTimersByTimeAsync(3_000);
    expect(looks).toMatchObject({ repair: 2, network: 1 });
    await end();
  });

  test('is looked at often while nobody announces changes', async () => {
    const { machine, looks, watch, enter } = countingMachine({ isAnnounced: true });
    const end = lookAfter(machine, CHECKS);
    enter('running');
    watch.isWatching = false;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(looks.repair).toBeGreaterThanOrEqual(9);
    expect(looks.guard).toBeGreaterThanOrEqual(40);
    await end();
  });

  test('is no longer watched once it is down', async () => {
    const { machine, watch, enter } = countingMachine({ isAnnounced: true });
    const end = lookAfter(machine, CHECKS);
    enter('running');
    expect(watch.isClosed).toBe(false);
    enter('stopped');
    expect(watch.isClosed).toBe(true);
    await end();
  });
});

describe('the pause between looks', () => {
  const pauses = { shortMs: 10, longMs: 80 };

  test('doubles up to its limit, and is short again after a change', () => {
    expect(nextRepairPauseMs(10, { outcome: 'unchanged', isAnnounced: true }, pauses)).toBe(20);
    expect(nextRepairPauseMs(64, { outcome: 'unchanged', isAnnounced: true }, pauses)).toBe(80);
    expect(nextRepairPauseMs(80, { outcome: 'changed', isAnnounced: true }, pauses)).toBe(10);
  });

  test('stays short where changes are not announced', () => {
    expect(nextRepairPauseMs(10, { outcome: 'unchanged', isAnnounced: false }, pauses)).toBe(10);
  });

  test('before a failed repair is tried again grows to five minutes', () => {
    expect([1, 2, 3, 6, 60].map(retryPauseMs)).toEqual([10_000, 20_000, 40_000, 300_000, 300_000]);
  });
});
