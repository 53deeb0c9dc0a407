import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linuxProcessTable } from '../../../../src/core/host/index.js';
import { mutexLock } from '../../../../src/daemon/windows/mutex-lock.js';
import type { LockPlace } from '../../../../src/daemon/process-lock.js';
import type { GlobalMutexes } from '../../../../src/windows/index.js';

/** Mutexes of a Windows host, with what other processes have. */
class FakeMutexes implements GlobalMutexes {
  readonly held = new Set<string>();
  isForeign = false;

  take(name: string): ReturnType<GlobalMutexes['take']> {
    if (this.isForeign) return 'foreign';
    if (this.held.has(name)) return 'held';
    this.held.add(name);
    return { release: () => void this.held.delete(name) };
  }

  exists(name: string): boolean {
    return this.held.has(name);
  }
}

interface Bench extends AsyncDisposable {
  readonly mutexes: FakeMutexes;
  readonly folder: string;
  readonly path: string;
  lock(path?: string): LockPlace;
}

async function makeBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-lock-'));
  const file = join(folder, 'daemon.lock');
  const mutexes = new FakeMutexes();
  return {
    mutexes,
    folder,
    path: file,
    lock: (path = file) =>
      mutexLock({ path, mutexes: () => Promise.resolve(mutexes), processes: linuxProcessTable }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

describe('the lock of an instance on Windows', () => {
  test('is one for all ways to write its path, and another for another path', async () => {
    await using bench = await makeBench();
    const first = await bench.lock().take();
    expect(
      await bench
        .lock(bench.path.toUpperCase())
        .holder()
        .catch((error: unknown) => error),
    ).toMatchObject({
      code: 'MOBYVM_DAEMON_RUNNING',
    });
    const second = await bench.lock(`${bench.path}.other`).take();
    await first.release();
    await second.release();
    expect(await readdir(bench.folder)).toEqual([]);
  });

  test('names the object of another user that is in its place', async () => {
    await using bench = await makeBench();
    bench.mutexes.isForeign = true;
    await expect(bench.lock().take()).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
      message: expect.stringMatching(/Global\\mobyvm_[0-9a-f]{24}/) as string,
    });
    expect(await readdir(bench.folder)).toEqual([]);
  });

  test('has a holder whose name comes a moment after it', async () => {
    await using bench = await makeBench();
    const lock = await bench.lock().take();
    await rm(bench.path);
    const holder = bench.lock().holder();
    await lock.restore();
    expect(await holder).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  test('is free although the file of a killed holder names a living process', async () => {
    await using bench = await makeBench();
    const own = await linuxProcessTable.find(process.pid);
    const text = JSON.stringify({ pid: own?.pid, startTime: own?.startId, startedAt: 'x' });
    await writeFile(bench.path, text);
    expect(await bench.lock().holder()).toBeUndefined();
    await (await bench.lock().take()).release();
  });

  test('is given back when its file cannot be written', async () => {
    await using bench = await makeBench();
    await writeFile(join(bench.folder, 'flat'), '');
    await expect(bench.lock(join(bench.folder, 'flat/daemon.lock')).take()).rejects.toThrow('flat');
    expect(bench.mutexes.held.size).toBe(0);
  });

  test('gives a file that was deleted back, but not after its release', async () => {
    await using bench = await makeBench();
    const lock = await bench.lock().take();
    expect(await lock.restore()).toBe(false);
    await rm(bench.path);
    expect(await lock.restore()).toBe(true);
    lock.releaseAtExit();
    expect(await lock.restore()).toBe(false);
    expect(await readdir(bench.folder)).toEqual([]);
  });
});
