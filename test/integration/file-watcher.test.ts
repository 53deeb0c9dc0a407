import { appendFile, chmod, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import type * as ShareModule from '../../src/share/index.js';
import type { HostChange, HostWatcher } from '../../src/share/index.js';
import { compiledSource } from '../support/compiled.js';
import { RunningProgram } from '../support/netns-program.js';

/** The watcher of Linux against the real file system. */
let base: string;
let root: string;
let watcher: HostWatcher;
let changes: HostChange[] = [];

let share: typeof ShareModule;
beforeAll(async () => {
  share = (await import(join(await compiledSource(), 'share/index.js'))) as typeof share;
}, 120_000);
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'mobyvm-watch-'));
  root = join(base, 'root');
  await mkdir(join(root, 'kept/sub'), { recursive: true });
  await mkdir(join(base, 'outside/in/deep'), { recursive: true });
  await writeFile(join(base, 'outside/in/deep/f'), 'content');
  changes = [];
  watcher = await share.watchByFanotify({
    serverPidFile: join(base, 'server.pid'),
    onChanges: (more) => changes.push(...more),
    onFailure: (reason) => changes.push({ kind: 'rescan', path: reason }),
  });
  expect(await watcher.watch([{ path: root }])).toEqual([]);
});
afterEach(async () => {
  await watcher.close();
  await rm(base, { recursive: true, force: true });
});

let markers = 0;

/** Waits for the changes of a last file; what came before it is then complete. */
async function changesSoFar(): Promise<string[]> {
  const last = join(root, `kept/last-${++markers}`);
  await mkdir(last);
  const check = (): Promise<boolean> => Promise.resolve(changes.some((change) => change.path === last));
  await waitFor(
    { title: 'the last change', timeoutSeconds: 50, hint: 'See the test.', check },
    new AbortController().signal,
  );
  const found = changes.filter((change) => change.path !== last);
  changes = [];
  return found.map(textOf);
}

function textOf(change: HostChange): string {
  const inBase = (path: string): string => path.slice(base.length + 1);
  if (change.kind === 'rescan') return `rescan ${inBase(change.path)}`;
  const target = change.kind === 'moved' ? ` -> ${inBase(change.to)}` : '';
  return `${change.kind} ${inBase(change.path)}${target}${change.isFolder ? '/' : ''}`;
}

/** The kernel may merge what follows one another quickly, or report it twice. */
async function seenAfter(change: Promise<unknown>): Promise<string[]> {
  await change;
  return [...new Set(await changesSoFar())];
}

describe('changes in a watched folder', () => {
  test('of files are reported in order', async () => {
    const file = join(root, 'kept/sub/ü\n%');
    const reports = (...kinds: readonly string[]): string[] =>
      kinds.map((kind) => `${kind} root/kept/sub/ü\n%`);
    expect(await seenAfter(writeFile(file, 'x'))).toEqual(reports('created', 'modified', 'written'));
    expect(await seenAfter(chmod(file, 0o600))).toEqual(reports('attributes'));
    expect(await seenAfter(appendFile(file, 'y'))).toEqual(reports('modified', 'written'));
    expect((await seenAfter(rm(file))).at(-1)).toBe(reports('deleted')[0]);
  });

  test('include everything in folders that were just created', async () => {
    await mkdir(join(root, 'a/b/c'), { recursive: true });
    await writeFile(join(root, 'a/b/c/f'), 'x');
    expect([...new Set(await changesSoFar())]).toEqual([
      'created root/a/',
      'created root/a/b/',
      'created root/a/b/c/',
      'created root/a/b/c/f',
      'modified root/a/b/c/f',
      'written root/a/b/c/f',
    ]);
  });

  test('have the path of the time when they happened', async () => {
    await mkdir(join(root, 'a'));
    await writeFile(join(root, 'a/f'), 'x');
    expect((await changesSoFar())[0]).toBe('created root/a/');
    expect(await seenAfter(rename(join(root, 'a'), join(root, 'kept/b')))).toEqual([
      'moved root/a -> root/kept/b/',
    ]);
    expect(await seenAfter(appendFile(join(root, 'kept/b/f'), 'y'))).toEqual([
      'modified root/kept/b/f',
      'written root/kept/b/f',
    ]);
    const removed = await seenAfter(rm(join(root, 'kept/b'), { recursive: true }));
    expect(removed.slice(-2)).toEqual(['deleted root/kept/b/f', 'deleted root/kept/b/']);
  });

  test('that move a tree in are its creation, once for each file', async () => {
    await rename(join(base, 'outside/in'), join(root, 'in'));
    await appendFile(join(root, 'in/deep/f'), 'more');
    const found = await changesSoFar();
    expect(found.filter((text) => text.startsWith('created'))).toEqual([
      'created root/in/',
      'created root/in/deep/',
      'created root/in/deep/f',
    ]);
    expect(found.at(-1)).toBe('written root/in/deep/f');
  });

  test('that move a tree out are its deletion, and what happens to it then is not reported', async () => {
    await rename(join(root, 'kept/sub'), join(base, 'outside/sub'));
    await writeFile(join(base, 'outside/sub/f'), 'x');
    expect(await changesSoFar()).toEqual(['deleted root/kept/sub/']);
  });

  test('that replace a file are a move', async () => {
    await writeFile(join(root, 'f'), 'old');
    await writeFile(join(root, '.f.tmp'), 'new');
    await rename(join(root, '.f.tmp'), join(root, 'f'));
    expect((await changesSoFar()).at(-1)).toBe('moved root/.f.tmp -> root/f');
  });

  test('are not reported from where a symbolic link leads', async () => {
    await symlink(join(base, 'outside'), join(root, 'link'));
    await writeFile(join(base, 'outside/in/g'), 'x');
    expect(await changesSoFar()).toEqual(['created root/link']);
  });

  test('that the file server makes for the VM are not reported', async () => {
    // A process for each connection, as smbd has.
    const connection = '(while read -r path; do echo x >"$path"; echo "wrote $path"; done)';
    const script = `echo $$ >"$1"; ${connection}; :`;
    await using server = new RunningProgram('bash', ['-c', script, 'server', join(base, 'server.pid')]);
    server.send(join(root, 'by-server'));
    await server.line(/^wrote/);
    expect(await seenAfter(appendFile(join(root, 'by-server'), 'by a user'))).toEqual([
      'modified root/by-server',
      'written root/by-server',
    ]);
  });
});

test('nothing is lost or doubled in folders that a busy program creates', async () => {
  const script =
    'for i in $(seq 150); do mkdir -p "$1/$i/a/b"; : >"$1/$i/a/b/f"; : >"$1/$i/g"; done; echo made';
  await using creator = new RunningProgram('sh', ['-c', script, 'creator', join(root, 'kept')]);
  await creator.line(/^made$/, 50);
  const created = (await changesSoFar()).filter((text) => text.startsWith('created'));
  const entries = await readdir(join(root, 'kept'), { recursive: true });
  const wanted = entries.filter((name) => /^\d/.test(name)).map((name) => `root/kept/${name}`);
  expect(created.map((text) => text.replace(/^created /, '').replace(/\/$/, '')).sort()).toEqual(
    wanted.sort(),
  );
});

test('a tree of 50,000 files is watched, moved and deleted with one report for each', async () => {
  const script =
    'mkdir "$1"; cd "$1"; for d in $(seq 50); do mkdir $d; (cd $d; touch $(seq 1000)); done; echo made';
  await using creator = new RunningProgram('sh', ['-c', script, 'creator', join(base, 'outside/large')]);
  await creator.line(/^made$/, 50);
  expect(await watcher.watch([{ path: base }])).toEqual([]);
  changes = [];
  await rename(join(base, 'outside/large'), join(root, 'large'));
  await writeFile(join(root, 'large/50/1000'), 'x');
  expect([...new Set(await changesSoFar())]).toEqual([
    'moved outside/large -> root/large/',
    'modified root/large/50/1000',
    'written root/large/50/1000',
  ]);
  await rm(join(root, 'large'), { recursive: true });
  const deleted = (await changesSoFar()).filter((text) => /^(deleted|rescan)/.test(text));
  // Unless the kernel's queue was full on a slow machine: then that is what is reported.
  if (!deleted.includes('rescan ')) expect(deleted).toHaveLength(50_051);
}, 120_000);

test('a single file is watched through its replacement, and nothing beside it', async () => {
  await writeFile(join(root, 'app.conf'), 'old');
  expect(await watcher.watch([{ path: root, only: ['app.conf'] }, { path: join(root, 'kept') }])).toEqual([]);
  changes = [];
  await writeFile(join(root, 'other'), 'x');
  await writeFile(join(root, '.new'), 'new');
  await rename(join(root, '.new'), join(root, 'app.conf'));
  expect([...new Set(await changesSoFar())]).toEqual([
    'created root/app.conf',
    'modified root/app.conf',
    'written root/app.conf',
  ]);
});

test('a folder that does not exist is a problem with a remedy, and the others are watched', async () => {
  const [problem, ...more] = await watcher.watch([{ path: join(base, 'none') }, { path: root }]);
  expect(more).toEqual([]);
  expect(problem).toMatchObject({
    path: join(base, 'none'),
    remedy: expect.stringContaining('exists') as string,
  });
  changes = [];
  await writeFile(join(root, 'f'), '');
  expect(await changesSoFar()).toContain('created root/f');
});
