import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Listeners, silentLogger } from '../../../src/core/host/index.js';
import { watchHostSleep } from '../../../src/daemon/host-sleep.js';
import { machineWith } from '../../support/fake-machine.js';

describe('the sleep of the host', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function watched(supervisor?: { onResume(listener: () => void): () => void }) {
    const wakes = { count: 0 };
    const end = watchHostSleep({
      onWake: () => (wakes.count += 1),
      supervisor,
      logger: silentLogger,
    });
    return { wakes, end };
  }

  test('is noticed within seconds by a clock that has jumped, once', async () => {
    const { wakes, end } = watched();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(wakes.count).toBe(0);
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(wakes.count).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(wakes.count).toBe(1);
    vi.setSystemTime(Date.now() - 5_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(wakes.count).toBe(2);
    await end();
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(wakes.count).toBe(2);
  });

  test('is noticed by a power event until the watch ends', async () => {
    const resumed = new Listeners();
    const { wakes, end } = watched({ onResume: (listener) => resumed.add(listener) });
    resumed.emit();
    expect(wakes.count).toBe(1);
    await end();
    resumed.emit();
    expect(wakes.count).toBe(1);
  });
});

describe('after the host has slept', () => {
  function sleepyMachine() {
    const woken: string[] = [];
    const under = machineWith({ shares: { wake: () => void woken.push('shares') } });
    under.ports.audit = () => Promise.resolve(void woken.push('ports'));
    return { ...under, woken };
  }

  test('a machine that is up gets its time, and all that may have changed is looked at', async () => {
    const { machine, operate, network, world, woken, obstacles, engine } = sleepyMachine();
    await operate('up');
    woken.length = 0;
    network.isThere = false;
    engine.answers = false;
    obstacles.push({ id: 'vpn', problem: 'A VPN is in the way.', remedy: 'Move it.' });
    await machine.hostWoke();
    expect(world.slice(-2)).toEqual(['clock resumed', 'network up']);
    expect(woken).toEqual(['shares', 'ports']);
    expect(await machine.status()).toMatchObject({ state: 'degraded', obstacles: [{ id: 'vpn' }] });
  });

  test('a machine that is down is left alone', async () => {
    const { machine, world, woken } = sleepyMachine();
    await machine.hostWoke();
    expect(world).toEqual([]);
    expect(woken).toEqual([]);
  });
});
