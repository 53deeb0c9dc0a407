import { describe, expect, test } from 'vitest';
import { diskObstacles } from '../../../../src/daemon/guest/disk-obstacles.plan.js';

const GIB = 1024 ** 2;
const disk = { totalKiB: 60 * GIB, freeKiB: 30 * GIB, files: 4_000_000, freeFiles: 3_000_000 };

describe('the data disk', () => {
  test('with enough space and files is no problem', () => {
    expect(diskObstacles(disk)).toEqual([]);
    expect(diskObstacles({ ...disk, freeKiB: 9.6 * GIB })).toEqual([]);
  });

  test('that is 85 % full is reported with what is free', () => {
    const [found, ...others] = diskObstacles({ ...disk, freeKiB: 9 * GIB });
    expect(found?.problem).toBe("The VM's data disk is 85 % full: 9.0 of 60.0 GiB are free.");
    expect(found?.remedy).toMatch(/docker system prune.*vm\.diskGiB/);
    expect(others).toEqual([]);
  });

  test('that can hold few more files is reported, however much space is free', () => {
    expect(diskObstacles({ ...disk, freeFiles: 123 }).map(({ problem }) => problem)).toEqual([
      "The VM's data disk can hold 123 more files: 100 % of its inodes are used.",
    ]);
  });

  test('of unknown size is no problem', () => {
    expect(diskObstacles({ totalKiB: 0, freeKiB: 0, files: 0, freeFiles: 0 })).toEqual([]);
  });
});
