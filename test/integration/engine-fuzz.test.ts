import { expect, it } from 'vitest';
import { describeFailure, fuzzEngine } from '../fuzz/engine/fuzz-engine.js';
import { DockerdSetting, hasDockerd } from '../support/dockerd.js';

it.runIf(hasDockerd)(
  'a real engine gives the same answers straight and through',
  { timeout: 300_000 },
  async () => {
    await using set = await DockerdSetting.start();
    await set.importBusybox('mobyvm-test/busybox');
    const sockets = { straight: set.socket('straight'), through: set.socket('through') };
    const { requests, failures } = await fuzzEngine(sockets, { seed: 1, count: 2_000, workers: 8 });
    expect(failures.map((failure) => describeFailure(failure, 1)).join('\n\n')).toBe('');
    expect(requests).toBeGreaterThanOrEqual(2_000);
  },
);
