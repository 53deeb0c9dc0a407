import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { watchOnWindows } from '../../../src/share/events/watch-on-windows.js';
import type { HostChange, HostWatcher } from '../../../src/share/index.js';
import { openHandles } from '../../../src/windows/calls/handles.js';

interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly watcher: HostWatcher;
  readonly changes: HostChange[];
  /** Until a change of this kind and path below the folder has been reported. */
  until(kind: HostChange['kind'], name?: string): Promise<HostChange>;
}

async function makeBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-watch-'));
  const changes: HostChange[] = [];
  const watcher = await watchOnWindows({
    onChanges: (some) => changes.push(...some),
    onFailure: (reason) => changes.push({ kind: 'rescan', path: reason }),
  });
  return {
    folder,
    watcher,
    changes,
    async until(kind, name) {
      for (;;) {
        const path = name === undefined ? folder : join(folder, name);
        const found = changes.find((change) => change.kind === kind && change.path === path);
        if (found !== undefined) return found;
        await delay(10);
      }
    },
    async [Symbol.asyncDispose]() {
      await watcher.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

it('files are reported as they are created, written, moved and deleted', async () => {
  await using bench = await makeBench();
  expect(await bench.watcher.watch([{ path: bench.folder }])).toEqual([]);
  await writeFile(join(bench.folder, 'a b.txt'), 'x');
  expect(await bench.until('created', 'a b.txt')).toMatchObject({ isFolder: false });
  await bench.until('written', 'a b.txt');
  await rename(join(bench.folder, 'a b.txt'), join(bench.folder, 'c.txt'));
  expect(await bench.until('moved', 'a b.txt')).toMatchObject({ to: join(bench.folder, 'c.txt') });
  await rm(join(bench.folder, 'c.txt'));
  await bench.until('deleted', 'c.txt');
});

it('a folder that was created is watched too', async () => {
  await using bench = await makeBench();
  await bench.watcher.watch([{ path: bench.folder }]);
  await mkdir(join(bench.folder, 'sub'));
  expect(await bench.until('created', 'sub')).toMatchObject({ isFolder: true });
  await writeFile(join(bench.folder, 'sub', 'f'), 'x');
  await bench.until('created', 'sub\\f');
});

it('more changes than the buffer holds are reported as one that says to look again', async () => {
  await using bench = await makeBench();
  await bench.watcher.watch([{ path: bench.folder }]);
  // This thread reads no changes while another one makes them.
  const script = `
    const { writeFileSync } = require('node:fs');
    const { workerData: { folder, done } } = require('node:worker_threads');
    for (let n = 0; n < 1500; n++) writeFileSync(folder + '\\\\' + 'x'.repeat(80) + n, '');
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);`;
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(script, { eval: true, workerData: { folder: bench.folder, done } });
  const ended = once(worker, 'exit');
  Atomics.wait(done, 0, 0);
  await bench.until('rescan');
  await ended;
  await writeFile(join(bench.folder, 'later'), '');
  await bench.until('created', 'later');
});

it('only what was asked for is reported', async () => {
  await using bench = await makeBench();
  await bench.watcher.watch([{ path: bench.folder, only: ['settings.json'] }]);
  await writeFile(join(bench.folder, 'other'), 'x');
  await writeFile(join(bench.folder, 'settings.json'), 'x');
  await bench.until('created', 'settings.json');
  expect(bench.changes.map(({ path }) => path)).not.toContain(join(bench.folder, 'other'));
});

it('a folder that does not exist is a problem, and the others are watched', async () => {
  await using bench = await makeBench();
  const missing = join(bench.folder, 'missing', 'too');
  expect(await bench.watcher.watch([{ path: missing }, { path: bench.folder }])).toEqual([
    expect.objectContaining({ path: missing, reason: 'the folder does not exist' }),
  ]);
  await writeFile(join(bench.folder, 'f'), '');
  await bench.until('created', 'f');
});

it('a folder is followed and left a hundred times without leaving a handle behind', async () => {
  await using bench = await makeBench();
  await bench.watcher.watch([{ path: bench.folder }]);
  const before = openHandles();
  for (let round = 0; round < 100; round++) {
    await bench.watcher.watch([]);
    await bench.watcher.watch([{ path: bench.folder }]);
  }
  expect(openHandles() - before).toBeLessThan(10);
});
