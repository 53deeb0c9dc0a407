import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import { Instance } from '../support/instance.js';
import { NetworkNamespace } from '../support/netns.js';
import { BUSYBOX, startMachine } from '../support/vm/started-machine.js';

/** What others do to a running machine's network, while a container downloads through it. */
const BRIDGE = 'mobyvm0';
/** Sends a numbered line five times a second to every client. */
const SERVER = `
let line = 0;
require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
  const timer = setInterval(() => socket.write(line++ + '\\n'), 200);
  socket.on('error', () => undefined).on('close', () => clearInterval(timer));
}).listen(8080, '198.51.100.1', () => console.log('listening'));`;
const signal = new AbortController().signal;

let instance: Instance;
let internet: NetworkNamespace;

beforeAll(async () => {
  instance = await Instance.create();
  // Not ours: it stays, with what others have in it.
  await run('ip', ['netns', 'add', instance.namespace]);
  await inHost('ip', 'link', 'set', 'lo', 'up');
  await startMachine(instance);
  internet = await NetworkNamespace.create('internet');
  await inHost('ip', 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', internet.name);
  await inHost('ip', 'address', 'add', '198.51.100.2/24', 'dev', 'uplink');
  await inHost('ip', 'link', 'set', 'uplink', 'up');
  await internet.ip('address', 'add', '198.51.100.1/24', 'dev', 'eth0');
  await internet.ip('link', 'set', 'eth0', 'up');
  await internet.start(process.execPath, ['-e', SERVER]).line(/listening/);
  // A flush of all rules ends connection tracking, and with it translated connections: as a pull does, the download
  // gives up on a silent connection and tries again.
  const download = 'while :; do busybox timeout 5 busybox nc 198.51.100.1 8080; done';
  await instance.docker(['run', '-d', '--name', 'download', BUSYBOX, 'sh', '-c', download]);
  await untilDownloadGoesOn();
});

afterAll(async () => {
  await internet[Symbol.asyncDispose]();
  await instance[Symbol.asyncDispose]();
});

const FAULTS: readonly (readonly [what: string, id: string, fault: readonly string[]])[] = [
  ['the bridge loses its address', 'network-address', ['ip', 'address', 'flush', 'dev', BRIDGE]],
  ['the bridge is set down', 'network-bridge', ['ip', 'link', 'set', BRIDGE, 'down']],
  ['the bridge is deleted', 'network-bridge', ['ip', 'link', 'delete', BRIDGE]],
  ['all firewall rules are flushed', 'network-firewall', ['nft', 'flush', 'ruleset']],
  ['forwarding is switched off', 'network-forwarding', ['sysctl', '-qw', 'net.ipv4.ip_forward=0']],
  ['the tap device leaves the bridge', 'network-tap', ['ip', 'link', 'set', `${BRIDGE}-t0`, 'nomaster']],
];

describe('a running machine repairs its network when', () => {
  test.each(FAULTS)(
    '%s, and the download of a container continues',
    async (_what, id, [program = '', ...args]) => {
      const before = (await repairs()).length;
      await inHost(program, ...args);
      await until(`the repair of ${id}`, async () => (await repairs()).slice(before).includes(id));
      await untilDownloadGoesOn();
      await instance.untilState('running', 60);
    },
  );
});

test('rules of another program that drop what the VM forwards are named, and left alone', async () => {
  await inHost('nft', 'add', 'table', 'ip', 'other');
  await inHost(
    'nft',
    'add',
    'chain',
    'ip',
    'other',
    'blocking',
    '{ type filter hook forward priority 0; policy drop; }',
  );
  await until('the rules to be named', async () =>
    JSON.stringify(await instance.status()).includes('ip other blocking'),
  );
  const { stdout } = await inHost('nft', 'list', 'chain', 'ip', 'other', 'blocking');
  expect(stdout).toContain('policy drop');
  await inHost('nft', 'delete', 'table', 'ip', 'other');
  await untilDownloadGoesOn();
  await until(
    'the rules to be forgotten',
    async () => !JSON.stringify(await instance.status()).includes('ip other'),
  );
});

test('an up that was interrupted after the VM had died leaves no server behind after down', async () => {
  process.kill(await instance.qemuPid(), 'SIGKILL');
  await instance.untilState('failed', 60);
  await using again = instance.start(...instance.upCommand);
  await again.line(/virtual machine/, 120);
  expect(await again.stop('SIGINT')).toBe(130);
  // Its network was there before: the daemon keeps serving, and says so.
  expect(await instance.status()).toMatchObject({ state: 'failed' });
  const down = await instance.mobyvm(['down', '--stop']);
  expect(down.exitCode, down.stderr).toBe(0);
  expect(await instance.processes()).toEqual([]);
  await instance.up();
  expect(await instance.docker(['ps', '-aq'])).not.toBe('');
});

test('uninstall removes what mobyvm created, and nothing else', async () => {
  const foreign = join(instance.directory, 'state', 'notes.txt');
  await writeFile(foreign, 'mine');
  await inHost('ip', 'link', 'add', 'other0', 'type', 'bridge');
  await inHost('nft', 'add', 'table', 'ip', 'other');
  const refused = await instance.mobyvm(['uninstall']);
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--keep-data') as string });
  const disk = join(instance.directory, 'state/vm/data.qcow2');
  const keeping = await instance.mobyvm(['uninstall', '--keep-data']);
  expect(keeping.exitCode, keeping.stderr).toBe(0);
  expect(keeping.stdout).toContain(`The data disk is kept: ${disk}`);
  const left = await readdir(instance.directory, { recursive: true });
  expect(left.sort()).toEqual([
    ...['settings.json', 'state', 'state/notes.txt', 'state/vm', 'state/vm/data.qcow2'],
  ]);
  const result = await instance.mobyvm(['uninstall', '--yes']);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.stdout).not.toContain('data disk');
  expect(await instance.processes()).toEqual([]);
  const links = (await inHost('ip', '-br', 'link')).stdout.split('\n').map((line) => line.split(/[ @]/)[0]);
  expect(links).toContain('other0');
  expect(links.filter((name) => name?.startsWith('mobyvm'))).toEqual([]);
  expect((await inHost('nft', 'list', 'tables')).stdout.trim()).toBe('table ip other');
  const files = await readdir(instance.directory, { recursive: true });
  expect(files.sort()).toEqual(['settings.json', 'state', 'state/notes.txt']);
});

function inHost(program: string, ...args: readonly string[]) {
  return run('ip', ['netns', 'exec', instance.namespace, program, ...args]);
}

async function repairs(): Promise<readonly string[]> {
  const { repairs: list = [] } = (await instance.status()) as { repairs?: readonly { id: string }[] };
  return list.map(({ id }) => id);
}

async function downloadedLines(): Promise<number> {
  return Number((await instance.docker(['logs', '-n', '1', 'download'])).trim());
}

async function untilDownloadGoesOn(): Promise<void> {
  const before = await downloadedLines();
  await until('the download to continue', async () => (await downloadedLines()) > before + 3);
}

/** Two minutes: TCP waits longer after each packet that is lost. */
function until(title: string, check: () => Promise<boolean>): Promise<void> {
  return waitFor({ title, timeoutSeconds: 120, hint: 'See the test.', check, everyMs: 1_000 }, signal);
}
