import { describe, expect, it } from 'vitest';
import { judgeDisk, judgeSize } from '../../../../src/daemon/doctor/host-room.plan.js';
import { settingsSchema } from '../../../../src/daemon/settings/schema.js';

const MIB = 1024 ** 2;
const HOST = { memoryMiB: 8192, availableMiB: 6000, processors: 4, isVmUp: false };
const withVm = (vm: object) => settingsSchema.parse({ vm });

describe('the size of the VM', () => {
  it.each([
    [{}, {}, 'fine', '2048 of 8192 MiB, 2 of 4 processors'],
    [{ memoryMiB: 9000 }, {}, 'problem', 'vm.memoryMiB is 9000, but this host has only 8192 MiB of memory'],
    [{ memoryMiB: 7000 }, {}, 'notice', 'the VM may use 7000 MiB, but only 6000 of 8192 MiB are available'],
    [{ memoryMiB: 7000 }, { isVmUp: true, availableMiB: 500 }, 'fine', '7000 of 8192 MiB, 2 of 4 processors'],
    [
      { cpus: 5 },
      {},
      'notice',
      'vm.cpus is 5, but this host has 4 processors: more virtual than real processors make the VM slower',
    ],
  ])('%j on a host with %j: %s', (vm, host, verdict, detail) => {
    expect(judgeSize(withVm(vm), { ...HOST, ...host })).toMatchObject({ verdict, detail });
  });
});

describe('the space for the data disk', () => {
  it.each([
    [100 * MIB, 'problem', '100 MiB free in /data: too little to start'],
    [2000 * MIB, 'notice', '2000 MiB free in /data; the data disk grows as images and containers use space'],
    [20_000 * MIB, 'fine', '19 GiB free in /data; the data disk uses up to 64 GiB'],
  ])('%s bytes: %s', (freeBytes, verdict, detail) => {
    expect(judgeDisk(withVm({}), '/data', freeBytes)).toMatchObject({ verdict, detail });
  });
});
