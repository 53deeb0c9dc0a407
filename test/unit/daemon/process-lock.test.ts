import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linuxProcessTable } from '../../../src/core/host/index.js';
import { fileLock, type LockPlace } from '../../../src/daemon/process-lock.js';

let directory = '';
let path = '';
let place: LockPlace;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mobyvm-lock-'));
  path = join(directory, 'daemon.lock');
  place = fileLock(path, linuxProcessTable);
});
afterEach(() => rm(directory, { recursive: true }));

describe('the lock file of a run folder', () => {
  test.each(['release', 'releaseAtExit'] as const)('leaves nothing behind after %s', async (how) => {
    const lock = await place.take();
    await lock[how]();
    expect(await readdir(directory)).toEqual([]);
  });

  test('is taken again after its file was deleted, unless another process was faster', async () => {
    const lock = await place.take();
    expect(await lock.restore()).toBe(false);
    await rm(directory, { recursive: true });
    expect(await lock.restore()).toBe(true);
    expect(await place.holder()).toMatchObject({ pid: process.pid });
    await rm(path);
    const other = await place.take();
    await expect(lock.restore()).rejects.toMatchObject({ code: 'MOBYVM_DAEMON_RUNNING' });
    await lock.release();
    lock.releaseAtExit();
    expect(await readdir(directory)).toEqual(['daemon.lock']);
    await other.release();
  });

  test('of a dead process goes to exactly one of many takers, and nothing else is left', async () => {
    await writeFile(path, JSON.stringify({ pid: process.pid, startTime: '1', startedAt: 'long ago' }));
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => place.take()));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(directory)).toEqual(['daemon.lock']);
  });

  test.each([
    ['a process that is gone', '{"pid":4194304,"startTime":"1","startedAt":"x"}'],
    ['a process whose pid was reused', `{"pid":${process.pid},"startTime":"1","startedAt":"x"}`],
    ['nobody: the file is garbage', 'garbage'],
  ])('is taken over from %s', async (_who, content) => {
    await writeFile(path, content);
    expect(await place.holder()).toBeUndefined();
    const lock = await place.take();
    expect(await place.holder()).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  test('is taken over from a process of an earlier boot that had our pid and started at the same time', async () => {
    const own = await linuxProcessTable.find(process.pid);
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    expect(own?.startId).toContain(bootId);
    const startTime = own?.startId.replace(bootId, '0f8fad5b-d9cb-469f-a165-70867728950e');
    await writeFile(path, JSON.stringify({ pid: process.pid, startTime, startedAt: 'before the reboot' }));
    expect(await place.holder()).toBeUndefined();
    const lock = await place.take();
    await lock.release();
  });

  test('cannot be taken where processes cannot be distinguished, since it would exclude nobody', async () => {
    const processes = { ...linuxProcessTable, find: () => Promise.resolve(undefined) };
    await expect(fileLock(path, processes).take()).rejects.toMatchObject({ code: 'MOBYVM_PLATFORM' });
    expect(await readdir(directory)).toEqual([]);
  });
});
