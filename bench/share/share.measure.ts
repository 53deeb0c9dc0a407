import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { mountOptions } from '../../src/share/mount/mount-options.plan.js';
import { inGuest } from '../../test/support/guest-shell.js';
import { Instance } from '../../test/support/instance.js';
import { makeToolImage } from '../../test/support/vm/tool-image.js';

/**
 * A share against other mounts of the same server in the same guest: the defaults of mount.cifs(8), and ours with one
 * option changed. The guest's own disk says what a workload costs without a file server. 9p is missing: Debian's cloud
 * kernel has none.
 */
const ROUNDS = Number(process.env['MOBYVM_BENCH_ROUNDS'] ?? 3);
const IMAGE = 'mobyvm-bench';
const USER = 'root';
const PASSWORD = 'bench';
/** As workload.sh has it. */
const NPM = '/usr/lib/node_modules/npm';
const PACKAGES = 20;
const FILES_PER_PACKAGE = 50;
const ours = mountOptions({
  owner: { uid: 0, gid: 0, fileMode: 0o755, directoryMode: 0o755 },
  isReadOnly: false,
});

interface Peer {
  readonly title: string;
  /** Where containers find it in the guest. */
  readonly folder: string;
  /** Undefined for what is there already. */
  readonly options?: readonly string[];
}

const changed = (title: string, from: readonly string[], ...to: readonly string[]): Peer => ({
  title,
  folder: `/mnt/bench-${title.replace(/\W+/g, '-')}`,
  options: [...ours.filter((option) => !from.includes(option)), ...to],
});

const PEERS: readonly Peer[] = [
  { title: 'mobyvm', folder: '/C' },
  { title: 'mount.cifs defaults', folder: '/mnt/bench-defaults', options: ['rw'] },
  { title: 'guest’s own disk', folder: '/mnt/data/bench' },
  changed('closetimeo=1', ['closetimeo=0'], 'closetimeo=1'),
  changed('actimeo=60', ['actimeo=1'], 'actimeo=60'),
  changed('rsize and wsize by default', ['rsize=4194304', 'wsize=4194304']),
  // Neither is safe as a default; the figures say what being safe costs.
  changed('cache=loose', ['cache=strict'], 'cache=loose'),
  changed('without nobrl', ['nobrl']),
  // Shares the connection of the mount with the defaults.
  changed('without nosharesock', ['nosharesock']),
];

let instance: Instance;
let folder: string;

beforeAll(async () => {
  instance = await Instance.create({});
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-bench-'));
  for (const name of ['c', 'source', 'packages']) await mkdir(join(folder, name));
  await makeRepository(join(folder, 'source'));
  await makePackages(join(folder, 'packages'));
  await copyFile(join(import.meta.dirname, 'workload.sh'), join(folder, 'workload.sh'));
  await writeFile(join(folder, 'password'), `${PASSWORD}\n`);
  const account = ['--user', USER, '--password-file', join(folder, 'password')];
  const added = await instance.mobyvm(['share', 'add', 'C', '--path', join(folder, 'c'), ...account]);
  expect(added.stderr).toBe('');
  await instance.up();
  await makeToolImage(instance, IMAGE, { programs: [process.execPath], folders: [NPM] });
  await addToImage();
  await mountPeers();
}, 1_200_000);
afterAll(async () => {
  await instance[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function makeRepository(path: string): Promise<void> {
  const git = (...args: readonly string[]) => run('git', ['-C', path, ...args]);
  for (let index = 0; index < 1_000; index++) {
    const part = join(path, `part-${index % 25}`);
    await mkdir(part, { recursive: true });
    await writeFile(join(part, `file-${index}.txt`), `line ${index}\n`.repeat(50));
  }
  await git('init', '--quiet');
  await git('add', '.');
  const author = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost'];
  await git(...author, 'commit', '--quiet', '--message=all');
}

/** Packages of npm as tar archives, and a project that depends on all of them. */
async function makePackages(path: string): Promise<void> {
  const dependencies: Record<string, string> = {};
  for (let index = 0; index < PACKAGES; index++) {
    const name = `package-${index}`;
    const files = join(path, name, 'package/lib');
    await mkdir(files, { recursive: true });
    for (let file = 0; file < FILES_PER_PACKAGE; file++)
      await writeFile(join(files, `${file}.js`), `export const value = ${file};\n`.repeat(40));
    await writeFile(
      join(path, name, 'package/package.json'),
      JSON.stringify({ name, version: '1.0.0', type: 'module' }),
    );
    await run('tar', ['-C', join(path, name), '-czf', join(path, `${name}.tgz`), 'package']);
    await rm(join(path, name), { recursive: true });
    dependencies[name] = `file:/packages/${name}.tgz`;
  }
  await writeFile(
    join(path, 'package.json'),
    JSON.stringify({ name: 'project', version: '1.0.0', dependencies }),
  );
}

/** The workload and what it works on, in a layer of the image: they must not come over a share. */
async function addToImage(): Promise<void> {
  await instance.docker(['create', '--name', 'layer', IMAGE]);
  for (const name of ['source', 'packages', 'workload.sh'])
    await instance.docker(['cp', '--quiet', join(folder, name), 'layer:/']);
  await instance.docker(['commit', 'layer', IMAGE]);
}

async function mountPeers(): Promise<void> {
  const commands = PEERS.filter(({ folder: point }) => point !== '/C').map(({ folder: point, options }) => {
    if (options === undefined) return `mkdir -p ${point}`;
    const all = ['credentials=/run/bench-login', ...options].join();
    return `mkdir -p ${point} && mount -t cifs //10.0.75.1/C ${point} -o ${all}`;
  });
  const script = [
    'set -e',
    `printf 'username=%s\\npassword=%s\\n' ${USER} ${PASSWORD} >/run/bench-login`,
    ...commands,
  ];
  // In the mount namespace of the engine, which binds these folders.
  const inner = script.join('\n').replaceAll("'", `'\\''`);
  await inGuest(instance, IMAGE, `nsenter -t 1 -m -- sh -c '${inner}'\n`);
}

/** @returns milliseconds by measurement */
async function measured({ folder: bound }: Peer): Promise<ReadonlyMap<string, number>> {
  const volume = ['-v', `${bound}:/bench`];
  const args = ['run', '--rm', '--privileged', ...volume, IMAGE, 'sh', '/workload.sh', '/bench'];
  const output = await instance.docker(args, { timeoutMs: 1_200_000 });
  return new Map(
    output
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

it('compares a share with other mounts of the same server', { timeout: 10_800_000 }, async () => {
  const results = new Map<string, ReadonlyMap<string, number>[]>();
  const load = [loadavg()[0]];
  for (let round = 0; round < ROUNDS; round++)
    for (const peer of PEERS) {
      const figures = await measured(peer);
      process.stdout.write(`${peer.title}: ${JSON.stringify(Object.fromEntries(figures))}\n`);
      results.set(peer.title, [...(results.get(peer.title) ?? []), figures]);
    }
  load.push(loadavg()[0]);
  const of = (title: string, name: string) =>
    median((results.get(title) ?? []).map((figures) => figures.get(name) ?? NaN));
  const names = [...(results.get('mobyvm')?.[0]?.keys() ?? [])];
  const rows = names.map((name) => {
    const base = of('mobyvm', name);
    const others = PEERS.slice(1).map(({ title }) => `${(of(title, name) / base).toFixed(2)} ×`);
    return `| ${[name, `${(base / 1_000).toFixed(2)} s`, ...others].join(' | ')} |`;
  });
  const table = [
    `| median of ${ROUNDS} | ${PEERS.map(({ title }) => title).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(PEERS.length)}`,
    ...rows,
    `\nLoad before and after: ${load.map((value) => value?.toFixed(1)).join(', ')}\n`,
  ].join('\n');
  await mkdir('build', { recursive: true });
  await writeFile('build/bench-share.md', table);
  process.stdout.write(`\n${table}`);
  expect(names.length).toBeGreaterThan(0);
});
