import { FakeDriver, FakeWorld } from '../support/vm-fake/index.js';
import { SAMPLE_SPEC } from '../support/vm/sample-spec.js';
import { until } from '../support/vm/vm-harness.js';
import { describeStalls, describeVmDriver, type StallingHarness } from './vm-driver.js';

describeVmDriver('the fake driver', () => Promise.resolve(fakeHarness()));
describeStalls('the fake driver', () => Promise.resolve(fakeHarness()));

function fakeHarness(): StallingHarness {
  const world = new FakeWorld();
  const drivers = [new FakeDriver({ world, lineEveryMs: 1 })];
  const driver = drivers[0]!;
  return {
    driver,
    spec: { ...SAMPLE_SPEC, dataDisk: { ...SAMPLE_SPEC.dataDisk, sizeGiB: 2 } },
    another() {
      const later = new FakeDriver({ world, lineEveryMs: 1 });
      drivers.push(later);
      return later;
    },
    crash: () => {
      driver.crash();
      return Promise.resolve();
    },
    freeze: () => {
      world.freeze();
      return Promise.resolve();
    },
    fillDisk: () => {
      world.fillDisk({ folder: '/var/lib', freeBytes: 0 });
      return Promise.resolve();
    },
    makeRoom: () => {
      world.stall = undefined;
      return Promise.resolve();
    },
    diskGiB: () => Promise.resolve(world.disks.get(SAMPLE_SPEC.dataDisk.path)),
    untilGuestListens: () => until('the fake guest to listen', () => world.hearsPowerButton),
    traces: () =>
      Promise.resolve([
        ...(world.definition === undefined ? [] : ['definition']),
        ...(world.saved === undefined ? [] : ['saved state']),
        ...(world.runState === undefined ? [] : ['process']),
      ]),
    async [Symbol.asyncDispose]() {
      driver.crash('The test is over.');
      for (const each of drivers) await each.close();
    },
  };
}
