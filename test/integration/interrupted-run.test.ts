import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
const TEST_RUNS = join(ROOT, 'scripts/lib/test-runs');
/** The worker, the orphans, a child of one of them, dnsmasq, QEMU, smbd, and the one in the control group. */
const EVERYTHING = 9;
const never = new AbortController().signal;

/** What the fixture has made. */
interface Made {
  readonly namespace: string;
  readonly folder: string;
  readonly group: string;
  readonly worker: number;
}

/** What still exists of what the run has made, one line each. */
async function leftOf(made: Made, pids: readonly number[], runFolder: string): Promise<string[]> {
  const [mounts, processes] = [await readFile('/proc/self/mountinfo', 'utf8'), await running()];
  return [
    ...(await namesIn('/run/netns')).filter((name) => name === made.namespace),
    ...pids.filter((pid) => processes.has(pid)).map((pid) => `process ${pid}`),
    ...mounts.split('\n').filter((line) => line.includes(made.folder)),
    ...(await namesIn(join(made.folder, '..'))).map((name) => `file ${name}`),
    ...(await namesIn(made.group)).slice(0, 1),
    ...(await namesIn(runFolder)),
  ];
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** The processes that are no zombies, and their parents. */
async function running(): Promise<ReadonlyMap<number, number>> {
  const { stdout } = await run('ps', ['-eo', 'pid=,ppid=,stat=']);
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  return new Map(
    rows
      .filter(([, , state]) => state?.startsWith('Z') === false)
      .map(([pid, parent]) => [Number(pid), Number(parent)]),
  );
}

/** Vitest's worker, everything in the namespace and the control group, and everything that has the run's mark. */
async function processesOf(made: Made, runFolder: string): Promise<number[]> {
  const inNamespace = (await run('ip', ['netns', 'pids', made.namespace])).stdout;
  const inGroup = await readFile(join(made.group, 'cgroup.procs'), 'utf8');
  const find = `grep -lszxF "MOBYVM_TEST_RUN=$1" /proc/[0-9]*/environ | cut -d / -f 3`;
  const marked = (await run('sh', ['-c', find, 'sh', runFolder])).stdout;
  const found = `${inNamespace}\n${inGroup}\n${marked}`.split('\n').filter((line) => line !== '');
  return [...new Set([made.worker, ...found.map(Number)])];
}

interface Run {
  readonly vitest: ChildProcess;
  readonly made: Made;
  readonly pids: readonly number[];
  /** Its folder in /run/mobyvm-tests. */
  readonly folder: string;
}

async function startRun(planted: string): Promise<Run> {
  const vitest = spawn(
    process.execPath,
    [
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      'test/fixtures/interrupted/vitest.config.ts',
      '--root',
      ROOT,
    ],
    // In its own process group, as in a terminal.
    {
      cwd: ROOT,
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, TMPDIR: '/tmp', MOBYVM_PLANTED: planted, MOBYVM_TEST_FAILURES: undefined },
    },
  );
  const title = 'the fixture to have made everything';
  await waitFor(
    {
      title,
      timeoutSeconds: 60,
      hint: '',
      everyMs: 100,
      check: async () => (await readFile(planted, 'utf8').catch(() => '')) !== '',
    },
    never,
  );
  const made = JSON.parse(await readFile(planted, 'utf8')) as Made;
  const folders = (await namesIn('/run/mobyvm-tests')).filter((name) => name.startsWith(`${vitest.pid}-`));
  expect(folders).toHaveLength(1);
  const folder = join('/run/mobyvm-tests', folders[0]!);
  let pids: readonly number[] = [];
  // Some of them start others, which takes a moment.
  await waitFor(
    {
      title: 'all of its processes',
      timeoutSeconds: 60,
      hint: '',
      everyMs: 100,
      check: async () => (pids = await processesOf(made, folder)).length >= EVERYTHING,
    },
    never,
  );
  return { vitest, made, folder, pids };
}

async function guardOf({ pid = 0 }: ChildProcess): Promise<number> {
  for (const [child, parent] of await running()) {
    const command = parent === pid ? await readFile(`/proc/${child}/cmdline`, 'utf8') : '';
    if (command.includes('test-runs\0guard')) return child;
  }
  return expect.fail('vitest has no guard');
}

test.each<[string, (run: Run) => void | Promise<void>]>([
  ['SIGINT to vitest alone', ({ vitest }) => void vitest.kill('SIGINT')],
  ['SIGINT to all of its processes, as by Ctrl-C', ({ vitest }) => void process.kill(-vitest.pid!, 'SIGINT')],
  [
    'SIGINT twice',
    ({ vitest }) => {
      process.kill(-vitest.pid!, 'SIGINT');
      process.kill(-vitest.pid!, 'SIGINT');
    },
  ],
  ['SIGTERM', ({ vitest }) => void vitest.kill('SIGTERM')],
  ['SIGKILL', ({ vitest }) => void vitest.kill('SIGKILL')],
  [
    'SIGKILL to it and its guard, and the next run has begun',
    async ({ vitest }) => {
      process.kill(await guardOf(vitest), 'SIGKILL');
      vitest.kill('SIGKILL');
      await once(vitest, 'exit');
      await run(TEST_RUNS, ['remove-ended']);
    },
  ],
])('a test run leaves nothing behind after %s', { timeout: 180_000 }, async (_how, interrupt) => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-it-interrupted-'));
  const started = await startRun(join(folder, 'made'));
  try {
    await interrupt(started);
    let left: string[] = [];
    const check = async (): Promise<boolean> => {
      left = await leftOf(started.made, started.pids, started.folder);
      return left.length === 0;
    };
    await waitFor(
      { title: 'nothing to be left', timeoutSeconds: 60, hint: '', everyMs: 100, check },
      never,
    ).catch(() => expect(left).toEqual([]));
  } finally {
    started.vitest.kill('SIGKILL');
    await run(TEST_RUNS, ['remove-ended']);
    await rm(folder, { recursive: true });
  }
});
