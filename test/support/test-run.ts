import { spawn } from 'node:child_process';
import { chmod, mkdtemp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../src/core/host/index.js';
import { MobyvmError } from '../../src/core/values/index.js';
import { listFailures } from './failure-list.js';

const TEST_RUNS = resolve(import.meta.dirname, '../../scripts/lib/test-runs');
const RUNS = '/run/mobyvm-tests';
const MARK = 'MOBYVM_TEST_RUN';

/**
 * Global set-up of the tiers that change the machine. Whatever the run makes is registered, so that it can be removed
 * when vitest is interrupted or killed: at once by a guard that outlives vitest, otherwise by the next run. See
 * scripts/lib/test-runs.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = `${process.pid} ${await startTime()}`;
  const folder = join(RUNS, owner.replace(' ', '-'));
  // Vitest calls this once per project.
  if (process.env[MARK] === folder) return undefined;
  await run(TEST_RUNS, ['remove-ended']);
  await register(folder, owner);
  // The guard belongs to no run, nor to the one that this may be a test of.
  const unmarked = { ...process.env, [MARK]: undefined };
  const guard = spawn(TEST_RUNS, ['guard', folder], {
    cwd: '/',
    detached: true,
    env: unmarked,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  process.env[MARK] = folder;
  process.env['TMPDIR'] = await readFile(join(folder, 'temporary'), 'utf8');
  return async () => {
    const { stdout } = await run(TEST_RUNS, ['remove', folder], { env: unmarked, timeoutMs: 240_000 });
    guard.stdin.destroy();
    if (stdout === '') return;
    listFailures([`left behind: ${stdout.trim().replaceAll('\n', '; ')}`]);
    throw new MobyvmError('MOBYVM_PROGRAM_FAILED', `The tests left this behind:\n${stdout}`, '');
  };
}

/** Registers a network namespace of this run, before it is made. */
export function registerNamespace(name: string): void {
  registerAs('namespaces', name);
}

/** Registers a control group of this run, before it is made. */
export function registerControlGroup(name: string): void {
  registerAs('groups', name);
}

function registerAs(kind: 'namespaces' | 'groups', name: string): void {
  const folder = process.env[MARK];
  if (folder !== undefined) writeFileSync(join(folder, kind, name), '');
}

async function register(folder: string, owner: string): Promise<void> {
  const unfinished = join(RUNS, `.${owner}`);
  await mkdir(join(unfinished, 'namespaces'), { recursive: true });
  await mkdir(join(unfinished, 'groups'));
  // A short name: Unix sockets are made below it. Like /tmp, it is open to the accounts that shares belong to.
  const temporary = await mkdtemp(join(tmpdir(), 'mv-'));
  await chmod(temporary, 0o1777);
  await writeFile(join(unfinished, 'temporary'), temporary);
  await writeFile(join(unfinished, 'owner'), `${owner}\n`);
  await rename(unfinished, folder);
}

/** When this process started, in clock ticks since boot: proc_pid_stat(5), field 22. */
async function startTime(): Promise<string> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
