import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run, type RunResult } from '../../src/core/host/index.js';

/** The program in front of dockerd's iptables; the real ones are scripts that write down how they were called. */
const MAKE = resolve(import.meta.dirname, '../../guest/build/make-iptables-batch');
const RUNC_GUARD = resolve(import.meta.dirname, '../../guest/build/make-runc-guard');
let folder = '';
let batch = '';
let calls = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-iptables-batch-'));
  batch = join(folder, 'iptables-batch');
  calls = join(folder, 'calls');
  await run(MAKE, [batch]);
  for (const name of ['iptables', 'ip6tables']) await symlink('iptables-batch', join(folder, name));
  await mkdir(join(folder, 'real'));
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  await rm(join(folder, 'firewall'), { recursive: true, force: true });
  await writeFile(calls, '');
  for (const name of ['iptables', 'ip6tables', 'iptables-restore', 'ip6tables-restore'])
    await realProgram(name);
});

async function realProgram(
  name: string,
  status = 0,
  input = name.endsWith('-restore') ? 'cat' : ':',
): Promise<void> {
  const path = join(folder, 'real', name);
  await writeFile(path, `#!/bin/sh\n{ echo ${name} "$@"; ${input}; } >>${calls}\nexit ${status}\n`);
  await chmod(path, 0o755);
}

const environment = (): Record<string, string> => ({
  MOBYVM_FIREWALL: join(folder, 'firewall'),
  MOBYVM_IPTABLES_FOLDER: join(folder, 'real'),
  MOBYVM_IPTABLES_BATCH: batch,
  MOBYVM_RUNC: '/bin/true',
});

function call(program: string, command: string): Promise<RunResult> {
  return run(join(folder, program), command.split(' '), { env: environment(), acceptExitCodes: [0, 1] });
}

async function statusOf(command: string): Promise<number | null> {
  return (await call('iptables', command)).exitCode;
}

const called = async (): Promise<string> => readFile(calls, 'utf8');

test('what is asked for is answered from a list, and applied at once', async () => {
  await call('iptables-batch', 'open');
  expect(await statusOf('--wait -L -n')).toBe(0);
  expect(await statusOf('--wait -t nat -F DOCKER')).toBe(1);
  expect(await statusOf('--wait -t nat -n -L DOCKER')).toBe(1);
  expect(await statusOf('--wait -t nat -N DOCKER')).toBe(0);
  expect(await statusOf('--wait -t nat -N DOCKER')).toBe(1);
  expect(await statusOf('--wait -t nat -n -L DOCKER')).toBe(0);
  expect(await statusOf('--wait -t filter -n -L DOCKER')).toBe(1);
  expect(await statusOf('--wait -t nat -C DOCKER -i docker0 -j RETURN')).toBe(1);
  expect(await statusOf('--wait -t nat -I DOCKER -i docker0 -j RETURN')).toBe(0);
  expect(await statusOf('--wait -t nat -C DOCKER -i docker0 -j RETURN')).toBe(0);
  expect(await statusOf('--wait -t nat -C DOCKER -i docker0')).toBe(1);
  expect(await statusOf('--wait -P FORWARD DROP')).toBe(0);
  expect(await statusOf('--wait -A FORWARD -j DOCKER-USER')).toBe(0);
  expect(await statusOf('--wait -D FORWARD -j DOCKER-USER')).toBe(0);
  expect(await statusOf('--wait -D FORWARD -j DOCKER-USER')).toBe(1);
  expect(await statusOf('--wait -A NONE -j ACCEPT')).toBe(1);
  expect(await called()).toBe('');
  await call('iptables-batch', 'apply');
  expect(await called()).toBe(
    [
      'iptables-restore --noflush --wait',
      '*filter',
      '-P FORWARD DROP',
      '-A FORWARD -j DOCKER-USER',
      '-D FORWARD -j DOCKER-USER',
      'COMMIT',
      'iptables-restore --noflush --wait',
      '*nat',
      '-N DOCKER',
      '-I DOCKER -i docker0 -j RETURN',
      'COMMIT',
      '',
    ].join('\n'),
  );
  expect(await readdir(join(folder, 'firewall'))).toEqual([]);
});

test('after that, the real programs are called', async () => {
  await call('iptables-batch', 'open');
  await call('iptables-batch', 'apply');
  await call('iptables', '--wait -t nat -N DOCKER');
  await call('ip6tables', '-S');
  expect(await called()).toBe('iptables --wait -t nat -N DOCKER\nip6tables -S\n');
});

test.each([
  '-t nat -S',
  '-t security -A INPUT -j ACCEPT',
  '-I FORWARD 2 -j ACCEPT',
  '-X DOCKER',
  '-A INPUT -m comment --comment "a\'b" -j ACCEPT',
])('what the list cannot answer is asked after it was applied: %s', async (command) => {
  await call('iptables-batch', 'open');
  await call('iptables', '-N DOCKER');
  await call('iptables', command);
  expect(await called()).toBe(
    `iptables-restore --noflush --wait\n*filter\n-N DOCKER\nCOMMIT\niptables ${command}\n`,
  );
});

test('the version is asked without an end of the list', async () => {
  await call('iptables-batch', 'open');
  await call('iptables', '--version');
  expect(await called()).toBe('iptables --version\n');
  expect(await readdir(join(folder, 'firewall'))).toEqual(['ip6tables', 'iptables']);
});

test('lines that cannot be applied at once are applied one by one, and a failure is reported', async () => {
  await realProgram('iptables-restore', 1);
  await call('iptables-batch', 'open');
  await call('iptables', '-N DOCKER');
  await call('iptables', '-A DOCKER -j RETURN');
  expect((await call('iptables-batch', 'apply')).exitCode).toBe(0);
  expect(await called()).toContain(
    'iptables --wait -t filter -N DOCKER\niptables --wait -t filter -A DOCKER -j RETURN\n',
  );
  await realProgram('ip6tables-restore', 1);
  await realProgram('ip6tables', 1);
  await call('iptables-batch', 'open');
  await call('ip6tables', '-N DOCKER');
  const { exitCode, stderr } = await call('iptables-batch', 'apply');
  expect(exitCode).toBe(1);
  expect(stderr).toContain("ip6tables: not all of the engine's rules could be set");
});

test('a program that ends before it has read its lines costs none of them', async () => {
  await realProgram('iptables-restore', 1, ':');
  await call('iptables-batch', 'open');
  // More than a pipe holds, so that it is still being written when the program ends.
  const comment = 'x'.repeat(1_500);
  for (let index = 0; index < 60; index++)
    await call('iptables', `-A FORWARD -m comment --comment ${index}${comment} -j ACCEPT`);
  expect((await call('iptables-batch', 'apply')).exitCode).toBe(0);
  expect((await called()).match(/^iptables --wait/gm)).toHaveLength(60);
});

test('what was applied at once is not applied again when another table has to be applied line by line', async () => {
  await realProgram('iptables-restore', 0, 'input=$(cat); case $input in *nat*) exit 1 ;; esac');
  await call('iptables-batch', 'open');
  await call('iptables', '-N DOCKER');
  await call('iptables', '-t nat -N DOCKER');
  expect((await call('iptables-batch', 'apply')).exitCode).toBe(0);
  expect((await called()).match(/^iptables --wait.*$/gm)).toEqual(['iptables --wait -t nat -N DOCKER']);
});

test('nothing more for a while, or a container to be created, ends the list', async () => {
  await call('iptables-batch', 'open');
  await call('iptables', '-N DOCKER');
  await call('iptables-batch', 'settle');
  expect(await called()).toContain('-N DOCKER');

  await call('iptables-batch', 'open');
  await call('iptables', '-N OTHER');
  await run(RUNC_GUARD, [join(folder, 'runc')]);
  await call('runc', 'state id');
  expect(await called()).not.toContain('-N OTHER');
  await call('runc', 'create --bundle /nowhere id');
  expect(await called()).toContain('-N OTHER');
});
