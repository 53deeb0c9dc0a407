import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockHolder, takeLock } from '../../../src/daemon/process-lock.js';

let directory = '';
let path = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mobyvm-lock-'));
  path = join(directory, 'daemon.lock');
});
afterEach(() => rm(directory, { recursive: true }));

describe('the lock of a run folder', () => {
  test('a second taker is told who holds it', async () => {
    const lock = await takeLock(path);
    expect(await lockHolder(path)).toMatchObject({ pid: process.pid });
    await expect(takeLock(path)).rejects.toMatchObject({
      code: 'MOBYVM_DAEMON_RUNNING',
      message: expect.stringContaining(`pid ${process.pid}`) as string,
    });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  test('is taken again when its file was deleted, unless another was quicker', async () => {
    const lock = await takeLock(path);
    expect(await lock.restore()).toBe(false);
    await rm(directory, { recursive: true });
    expect(await lock.restore()).toBe(true);
    expect(await lockHolder(path)).toMatchObject({ pid: process.pid });
    await rm(path);
    const other = await takeLock(path);
    await expect(lock.restore()).rejects.toMatchObject({ code: 'MOBYVM_DAEMON_RUNNING' });
    await lock.release();
    expect(await readdir(directory)).toEqual(['daemon.lock']);
    await other.release();
  });

  test('of many takers at once exactly one gets it, and nothing else is left', async () => {
    await writeFile(path, JSON.stringify({ pid: process.pid, startTime: '1', startedAt: 'long ago' }));
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(directory)).toEqual(['daemon.lock']);
  });

  test.each([
    ['a process that is gone', '{"pid":4194304,"startTime":"1","startedAt":"x"}'],
    ['a process whose id was given again', `{"pid":${process.pid},"startTime":"1","startedAt":"x"}`],
    ['nobody: the file is garbage', 'garbage'],
  ])('the lock of %s is taken over', async (_who, content) => {
    await writeFile(path, content);
    expect(await lockHolder(path)).toBeUndefined();
    const lock = await takeLock(path);
    expect(await lockHolder(path)).toMatchObject({ pid: process.pid });
    await lock.release();
  });
});
