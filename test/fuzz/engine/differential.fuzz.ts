import { afterAll, beforeAll, expect, it } from 'vitest';
import { DockerdSetting } from '../../support/dockerd.js';
import { describeFailure, fuzzEngine } from './fuzz-engine.js';

/** Started by `npm run fuzz:engine -- [--count N] [--seed N] [--from CASE]`. */
const count = Number(process.env['FUZZ_COUNT'] ?? 20_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const from = Number(process.env['FUZZ_FROM'] ?? 0);
let set: DockerdSetting;

beforeAll(async () => {
  set = await DockerdSetting.start();
  await set.importBusybox('mobyvm-test/busybox');
}, 120_000);

afterAll(() => set[Symbol.asyncDispose](), 60_000);

it(
  `the engine gives the same answers straight and through to ${count} requests`,
  { timeout: 0 },
  async () => {
    const sockets = { straight: set.socket('straight'), through: set.socket('through') };
    const startedMs = performance.now();
    const onProgress = (requests: number): void => {
      process.stdout.write(
        `${requests} requests, ${((performance.now() - startedMs) / 1000).toFixed(0)} s\n`,
      );
    };
    const report = await fuzzEngine(sockets, { seed, count, from, workers: 24, onProgress });
    for (const [name, times] of report.differences) process.stdout.write(`${times} × ${name}\n`);
    process.stdout.write(`${report.requests} requests in ${report.cases} connections, seed ${seed}\n`);
    if (report.failures.length > 0)
      expect.fail(report.failures.map((each) => describeFailure(each, seed)).join('\n\n'));
  },
);
