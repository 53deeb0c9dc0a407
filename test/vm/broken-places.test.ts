import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, waitFor, type RunResult } from '../../src/core/host/index.js';
import { Instance } from '../support/instance.js';

/** Unusable files and folders are reported by name with a remedy, and nothing is left behind. */
const never = new AbortController().signal;
let instance: Instance;

beforeEach(async () => {
  instance = await Instance.create();
});
afterEach(() => instance[Symbol.asyncDispose]());

function up(): Promise<RunResult> {
  return instance.mobyvm([...instance.upCommand]);
}

async function namespaces(): Promise<string> {
  return (await run('ip', ['netns', 'list'])).stdout;
}

async function expectNothingLeft(): Promise<void> {
  expect(await instance.processes()).toEqual([]);
  expect(await namespaces()).not.toContain(instance.namespace);
}

describe('a path that cannot be written', () => {
  test('is named when it is a folder instead of a file', async () => {
    const output = join(instance.directory, 'log/daemon.out');
    await mkdir(output, { recursive: true });
    const result = await up();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/MOBYVM_STATE_FILE/);
    expect(result.stderr).toContain(`${output} cannot be used: it is a folder`);
    await expectNothingLeft();
  });

  test.each([
    ['daemon.log', 'log'],
    ['machine.json', 'state'],
  ])('is named when it is %s in %s/', async (name, folder) => {
    const path = join(instance.directory, folder, name);
    await mkdir(path, { recursive: true });
    const result = await up();
    expect(result.stderr).toMatch(/MOBYVM_STATE_FILE/);
    expect(result.stderr).toContain(`${path} cannot be used`);
    // One error in one form: the daemon's own error is passed on, not wrapped.
    expect(result.stderr.match(/mobyvm: /g)).toHaveLength(1);
    await expectNothingLeft();
  });

  test.each([
    ['read-only', 'ro', 'MOBYVM_STATE_FILE'],
    ['full', 'size=4k,nr_inodes=2', 'MOBYVM_DISK_FULL'],
  ])('is named when its file system is %s', async (_what, options, code) => {
    const log = join(instance.directory, 'log');
    await mkdir(log);
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', log]);
    try {
      if (code === 'MOBYVM_DISK_FULL') await writeFile(join(log, 'filler'), 'x');
      const result = await up();
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain(code);
      expect(result.stderr).toContain(log);
      await expectNothingLeft();
    } finally {
      await run('umount', ['-l', log]);
    }
  });
});

describe('a folder that cannot be created', () => {
  test.each(['STATE', 'RUN', 'LOG'])('is named with the reason: MOBYVM_%s_DIR', async (which) => {
    const readOnly = join(instance.directory, 'read-only');
    await mkdir(readOnly);
    await run('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', readOnly]);
    try {
      const folder = join(readOnly, 'deep/folder');
      const env = { ...process.env, ...instance.env, [`MOBYVM_${which}_DIR`]: folder };
      const result = await instance.mobyvm([...instance.upCommand], { env });
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain(`${folder} cannot be used: the file system is read-only`);
      await expectNothingLeft();
    } finally {
      await run('umount', ['-l', readOnly]);
    }
  });
});

describe('a malformed state file', () => {
  test('is set aside if it is the definition of the VM, and made again', async () => {
    const vm = join(instance.directory, 'state/vm');
    await mkdir(vm, { recursive: true });
    await writeFile(join(vm, 'definition.json'), '{"torn');
    const result = await up();
    expect(result.exitCode, result.stderr).toBe(0);
    const [kept = ''] = (await readdir(vm)).filter((name) => name.startsWith('definition.json.unreadable-'));
    expect(result.stdout + result.stderr).toContain(join(vm, kept));
    expect(await readFile(join(vm, kept), 'utf8')).toBe('{"torn');
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down.exitCode, down.stderr).toBe(0);
    await expectNothingLeft();
  });

  test('does not prevent down if it is the settings of a killed daemon', async () => {
    await using command = instance.start(...instance.upCommand);
    await command.line(/[Dd]HCP/, 120);
    process.kill(await instance.daemonPid(), 'SIGKILL');
    expect(await command.exit).toBe(1);
    await writeFile(join(instance.directory, 'settings.json'), '{"vm": {"cpus": "all"}}');
    const refused = await up();
    expect(refused.stderr).toMatch(/MOBYVM_SETTINGS/);
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down.exitCode, down.stderr).toBe(0);
    await expectNothingLeft();
    expect(await instance.status()).toEqual({ state: 'not-running', leftovers: 0 });
  });

  test('is named when it is the ledger', async () => {
    const ledger = join(instance.directory, 'state/ledger.json');
    await mkdir(join(instance.directory, 'state'), { recursive: true });
    await writeFile(ledger, '[1, 2');
    const result = await up();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/MOBYVM_STATE_FILE/);
    expect(result.stderr).toContain(ledger);
    expect(result.stderr).not.toMatch(/netns delete/);
    await rm(ledger);
    await expectNothingLeft();
  });
});

describe('a daemon', () => {
  test('in the foreground ends with 1 when it could not start the VM', async () => {
    await instance.configure({ image: { directory: join(instance.directory, 'no-image') } });
    await using daemon = instance.start('daemon');
    expect(await daemon.exit).toBe(1);
    expect(daemon.lines.join('\n')).toMatch(/MOBYVM_IMAGE_MISSING/);
    expect(await readdir(join(instance.directory, 'run'))).toEqual([]);
  });

  test('creates the network namespace that it is told to run in, and removes it when it exits', async () => {
    await using daemon = instance.start('daemon', '--no-start', '--netns', instance.namespace);
    await instance.untilState('absent', 60);
    expect(await instance.status()).toMatchObject({ network: { namespace: instance.namespace } });
    expect(await namespaces()).toContain(instance.namespace);
    // As a service manager does, which signals every process of the service.
    for (const pid of [daemon.pid, await instance.daemonPid()]) process.kill(pid, 'SIGTERM');
    expect(await daemon.exit).toBe(0);
    await expectNothingLeft();
    expect(await readdir(join(instance.directory, 'run'))).toEqual([]);
  });

  test('leaves a network namespace alone that existed before', async () => {
    await run('ip', ['netns', 'add', instance.namespace]);
    await using daemon = instance.start('daemon', '--no-start', '--netns', instance.namespace);
    await instance.untilState('absent', 60);
    process.kill(daemon.pid, 'SIGTERM');
    expect(await daemon.exit).toBe(0);
    expect(await namespaces()).toContain(instance.namespace);
    expect(await readdir(join(instance.directory, 'run'))).toEqual([]);
  });

  test('that is killed while it creates its namespace leaves nothing that down does not remove', async () => {
    await using daemon = instance.start('daemon', '--no-start', '--netns', instance.namespace);
    const hasNamespace = async (): Promise<boolean> => (await namespaces()).includes(instance.namespace);
    const created = { title: 'the namespace', timeoutSeconds: 60, hint: '', everyMs: 5, check: hasNamespace };
    await waitFor(created, never);
    process.kill(daemon.pid, 'SIGKILL');
    await daemon.gone;
    // On a busy host it has started itself inside by then, and that one serves.
    if ((await instance.processes()).length > 0) await instance.untilState('absent', 120);
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down.exitCode, down.stderr).toBe(0);
    await expectNothingLeft();
    expect(await instance.status()).toEqual({ state: 'not-running', leftovers: 0 });
  });

  test('that several interrupted commands started is not left behind', async () => {
    await using first = instance.start(...instance.upCommand);
    await using second = instance.start(...instance.upCommand);
    await using third = instance.start(...instance.upCommand);
    const commands = [first, second, third];
    await Promise.all(commands.map((command) => command.line(/[Dd]HCP/, 120)));
    for (const { pid } of commands) process.kill(pid, 'SIGINT');
    expect(await Promise.all(commands.map(({ exit }) => exit))).toEqual([130, 130, 130]);
    for (const { lines } of commands) expect(lines.join('\n')).not.toMatch(/MOBYVM_BUSY/);
    await expectNothingLeft();
    expect(await readdir(join(instance.directory, 'run'))).toEqual([]);
  });

  test('that a user interrupted twice ends by itself, and down removes the rest', async () => {
    await using command = instance.start(...instance.upCommand);
    await command.line(/[Dd]HCP/, 120);
    process.kill(command.pid, 'SIGINT');
    await command.line(/Interrupted/, 60);
    process.kill(command.pid, 'SIGINT');
    expect(await command.exit).toBe(130);
    const isAlone = async (): Promise<boolean> => (await instance.processes()).length === 0;
    await waitFor({ title: 'the daemon to end', timeoutSeconds: 120, hint: '', check: isAlone }, never);
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down.exitCode, down.stderr).toBe(0);
    await expectNothingLeft();
    expect(await readdir(join(instance.directory, 'run'))).toEqual([]);
    expect(await instance.status()).toEqual({ state: 'not-running', leftovers: 0 });
  });
});
