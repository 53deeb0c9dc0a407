import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor, type RunResult } from '../../src/core/host/index.js';
import { Instance } from '../support/instance.js';
import { BUSYBOX, startMachine } from '../support/vm/started-machine.js';

/** A VM that is saved by `down` and resumed by `up`: one machine; the tests depend on each other, in this order. */
const PORT = 18_080;
let instance: Instance;
let host: string;

beforeAll(async () => {
  instance = await Instance.create();
  host = await mkdtemp(join(tmpdir(), 'mobyvm-host-'));
  await writeFile(join(host, 'file'), 'before\n');
  expect((await instance.mobyvm(['share', 'add', host])).stderr).toBe('');
  await startMachine(instance);
});
afterAll(async () => {
  await instance[Symbol.asyncDispose]();
  await rm(host, { recursive: true, force: true });
});

async function save(): Promise<void> {
  const result = await instance.mobyvm(['down']);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.stdout).toMatch(
    /^mobyvm is down\. Its VM is saved since \S+ \(\d+ MiB\); `mobyvm up` resumes it\.$/m,
  );
}

/** How often the guest has booted, told by an id that each boot makes. */
async function bootId(): Promise<string> {
  return instance.docker(['exec', 'counter', 'cat', '/proc/sys/kernel/random/boot_id']);
}

/** The last number that the container `counter` has counted to. */
async function counted(): Promise<number> {
  return Number((await instance.docker(['logs', '--tail', '1', 'counter'])).trim());
}

/** How far the guest's clock is off at least: asking takes seconds on a busy host, and `date` cuts the second's fraction off. */
async function guestClockOffMs(): Promise<number> {
  const before = Date.now();
  const guest = Number(await instance.docker(['exec', 'counter', 'date', '+%s'])) * 1000;
  return Math.max(before - 1000 - guest, guest - Date.now(), 0);
}

/** What the published port says, as a client in the instance's namespace sees it; empty if it does not answer. */
async function answerOfPort(): Promise<string> {
  const ask = `fetch('http://127.0.0.1:${PORT}/', { signal: AbortSignal.timeout(10_000) })
    .then((response) => response.text())
    .then((text) => process.stdout.write(text), () => undefined)`;
  const { stdout } = await run('ip', ['netns', 'exec', instance.namespace, process.execPath, '-e', ask], {
    timeoutMs: 60_000,
  });
  return stdout;
}

/** Between two connections the container does not listen for a moment. */
async function untilPortAnswers(text: string): Promise<void> {
  const check = async (): Promise<boolean> => (await answerOfPort()) === text;
  const requirement = { title: `"${text}" at the port`, timeoutSeconds: 120, hint: '', check };
  await waitFor(requirement, new AbortController().signal);
}

function notices({ stderr }: RunResult): string {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('! '))
    .join('\n');
}

describe('a VM that was saved', () => {
  let boot = '';

  test('leaves nothing but its files, and status shows what they take', async () => {
    await instance.docker([
      ...['run', '-d', '--name', 'counter', BUSYBOX, 'sh', '-c'],
      'i=0; while :; do i=$((i+1)); echo $i; sleep 1; done',
    ]);
    await instance.docker([
      ...['run', '-d', '--name', 'web', '-p', `${PORT}:80`, '-v', `${host}:/data`, BUSYBOX, 'sh', '-c'],
      'while :; do printf "HTTP/1.0 200 OK\\r\\n\\r\\n%s" "$(cat /data/file)" | nc -l -p 80; done',
    ]);
    boot = await bootId();
    await untilPortAnswers('before');
    const last = await counted();
    await save();
    expect(last).toBeGreaterThan(0);
    expect(await instance.processes()).toEqual([]);
    expect((await run('ip', ['netns', 'list'])).stdout).not.toContain(instance.namespace);
    const memory = (await stat(join(instance.directory, 'state/vm/memory.saved'))).size;
    expect(await instance.status()).toMatchObject({ state: 'saved', leftovers: 0, saved: { bytes: memory } });
    expect(await readdir(join(instance.directory, 'state'))).not.toContain('ledger.json');
    expect((await instance.mobyvm(['down'])).stdout).toMatch(
      /^mobyvm is not running\. Its VM is saved since /,
    );
  });

  test('runs on: containers count on, the clock is right, the share and the published port work', async () => {
    await writeFile(join(host, 'file'), 'after\n');
    const up = await instance.up();
    expect(notices(up)).toBe('');
    expect(up.stderr).toMatch(/✓ virtual machine .*\(resumed\)/);
    expect(await guestClockOffMs()).toBeLessThan(1_500);
    await untilPortAnswers('after');
    expect(await bootId()).toBe(boot);
    const [first, log] = [await counted(), await instance.docker(['logs', 'counter'])];
    const numbers = log.trim().split('\n').map(Number);
    expect(numbers).toEqual(numbers.map((_each, at) => at + 1));
    const grows = async (): Promise<boolean> => (await counted()) > first;
    await waitFor(
      { title: 'the counter', timeoutSeconds: 60, hint: '', check: grows },
      new AbortController().signal,
    );
    expect(await instance.status()).toMatchObject({
      state: 'running',
      engine: { reachable: true },
      shares: [{ state: 'healthy' }],
    });
    expect(await readdir(join(instance.directory, 'state/vm'))).not.toContain('memory.saved');
  });

  test('publishes ports again, releases them, and mounts shares for new containers', async () => {
    await instance.docker(['rm', '-f', 'web']);
    const isClosed = async (): Promise<boolean> => (await answerOfPort()) === '' && !(await isListening());
    await waitFor(
      { title: 'the port to close', timeoutSeconds: 60, hint: '', check: isClosed },
      new AbortController().signal,
    );
    expect(await instance.docker(['run', '--rm', '-v', `${host}:/data`, BUSYBOX, 'cat', '/data/file'])).toBe(
      'after\n',
    );
  });

  test('is saved and resumed again, and its containers lose nothing', async () => {
    await save();
    expect(notices(await instance.up())).toBe('');
    const numbers = (await instance.docker(['logs', 'counter'])).trim().split('\n').map(Number);
    expect(numbers).toEqual(numbers.map((_each, at) => at + 1));
    expect(await bootId()).toBe(boot);
  });

  test('is saved by the end of a daemon that a service manager stops', async () => {
    process.kill(await instance.daemonPid(), 'SIGTERM');
    const isGone = async (): Promise<boolean> => (await instance.processes()).length === 0;
    await waitFor(
      { title: 'the end of the daemon', timeoutSeconds: 120, hint: '', check: isGone },
      new AbortController().signal,
    );
    expect((await instance.status()).state).toBe('saved');
    expect(notices(await instance.up())).toBe('');
    expect(await bootId()).toBe(boot);
  });

  test('runs on when its daemon is killed while it is being saved', async () => {
    await using down = instance.start('down');
    await down.line(/memory written|writing its memory|removed|saved/, 60).catch(() => undefined);
    process.kill(await instance.daemonPid(), 'SIGKILL');
    await down.exit;
    const up = await instance.up();
    expect(up.stderr).not.toContain('discarded');
    expect(await bootId()).toBe(boot);
  });
});

describe('a saved VM that does not fit', () => {
  /** Boots, and says why. */
  async function expectBoot(because: RegExp): Promise<void> {
    const up = await instance.up();
    expect(notices(up)).toMatch(because);
    expect(await daemonLog()).toMatch(because);
    expect(await instance.status()).toMatchObject({ state: 'running', engine: { reachable: true } });
  }

  test('is shut down in order when its memory setting changes', async () => {
    await instance.docker(['run', '-d', '--name', 'handles', BUSYBOX, 'sh', '-c', onTerm('echo stopped')]);
    await save();
    await instance.configure({ vm: { memoryMiB: 1536 } });
    await expectBoot(/shut down and booted instead of being resumed: vm\.memoryMiB changed/);
    expect(await instance.docker(['logs', 'handles'])).toContain('stopped');
    expect(await instance.status()).toMatchObject({ vm: { memoryMiB: 1536 } });
  });

  test('is discarded when its memory file is damaged, and its disk repairs itself', async () => {
    await instance.docker(['volume', 'create', 'kept']);
    await save();
    const file = await open(join(instance.directory, 'state/vm/memory.saved'), 'r+');
    await file.truncate(1_000_000);
    await file.close();
    await expectBoot(/saved state of the VM is discarded: .*is 1000000 bytes long/);
    expect(await instance.docker(['volume', 'ls', '-q'])).toContain('kept');
  });
});

describe('down --stop', () => {
  test('down --stop shuts a saved VM down, without a daemon to begin with', async () => {
    await save();
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down.exitCode, down.stderr).toBe(0);
    expect(notices(down)).toBe('');
    expect(await readFile(join(instance.directory, 'log/console.log'), 'utf8')).toMatch(
      /shutdown: data disk \S+ unmounted/,
    );
    expect(await instance.status()).toEqual({ state: 'not-running', leftovers: 0 });
    expect(await instance.processes()).toEqual([]);
  });
});

function onTerm(commands: string): string {
  return `trap '${commands}; exit 0' TERM; while :; do sleep 0.2; done`;
}

function daemonLog(): Promise<string> {
  return readFile(join(instance.directory, 'log/daemon.log'), 'utf8');
}

async function isListening(): Promise<boolean> {
  const { stdout } = await run('ip', ['netns', 'exec', instance.namespace, 'ss', '-Hlnt']);
  return stdout.includes(`:${PORT} `);
}
