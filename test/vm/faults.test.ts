import { createHash } from 'node:crypto';
import { cp, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run, waitFor, type RunResult } from '../../src/core/host/index.js';
import { IMAGE_DIR, Instance } from '../support/instance.js';
import { RunningProgram } from '../support/netns-program.js';

/** What can go wrong during `up`: each failure names its cause and a remedy, and leaves nothing behind. */
const never = new AbortController().signal;
let instance: Instance;

beforeEach(async () => {
  instance = await Instance.create();
});
afterEach(() => instance[Symbol.asyncDispose]());

function up(): Promise<RunResult> {
  return instance.mobyvm(['up', '--netns', instance.namespace]);
}

async function inNamespace(...command: readonly string[]): Promise<string> {
  return (await run('ip', ['netns', 'exec', instance.namespace, ...command])).stdout;
}

/** An existing namespace, as an administrator would have created it. */
async function addNamespace(): Promise<void> {
  await run('ip', ['netns', 'add', instance.namespace]);
  await inNamespace('ip', 'link', 'set', 'lo', 'up');
}

/** Links, IPv4 addresses, routes and rules in the namespace of the instance. */
async function hostNetwork(): Promise<string> {
  return [
    await inNamespace('ip', '-o', 'link', 'show'),
    await inNamespace('ip', '-o', '-4', 'addr', 'show'),
    await inNamespace('ip', '-4', 'route', 'show', 'table', 'all'),
    await inNamespace('nft', 'list', 'ruleset'),
    await inNamespace('sysctl', 'net.ipv4.ip_forward'),
  ].join('\n');
}

describe('before anything is set up', () => {
  test('root is required', async () => {
    const result = await run(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', 'bin/mobyvm', 'up'],
      {
        env: { ...process.env, ...instance.env },
        acceptExitCodes: [1],
      },
    );
    expect(result.stderr).toMatch(/MOBYVM_NOT_ROOT/);
  });

  test('all invalid settings are reported, and no daemon is started', async () => {
    await instance.configure({ vm: { memoryMB: 4, cpus: 'two' }, networks: {} });
    const result = await up();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(
      /3 problems[^]*vm\.memoryMB: unknown setting; did you mean vm\.memoryMiB\?/,
    );
    expect(await instance.processes()).toEqual([]);
  });

  test.each([
    [['frobnicate'], /frobnicate/i],
    [['up', '--nets', 'x'], /nets/],
    [['up', '--netns', 'a/b'], /not a valid name for a network namespace/],
    [['logs', '--lines', 'many'], /--lines must be a whole number/],
    [[], /Missing command/],
  ])('the arguments %j are a usage error: exit code 2', async (args, message) => {
    const result = await instance.mobyvm(args);
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) as string });
  });

  test('a missing or damaged image is rejected with the command that rebuilds it', async () => {
    const directory = join(instance.directory, 'image');
    await instance.configure({ image: { directory } });
    const missing = await up();
    expect(missing).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('mobyvm image build') as string,
    });
    await mkdir(directory);
    for (const name of ['manifest.json', 'mobyvm.iso'])
      await cp(join(IMAGE_DIR, name), join(directory, name));
    const iso = await open(join(directory, 'mobyvm.iso'), 'r+');
    await iso.write(Buffer.from('x'), 0, 1, 50_000_000);
    await iso.close();
    expect((await up()).stderr).toMatch(/MOBYVM_IMAGE_CORRUPT/);
  });
});

describe('in a shared network', () => {
  beforeEach(() => addNamespace());

  test('a subnet that collides is rejected, and a free one is suggested', async () => {
    await inNamespace('ip', 'link', 'add', 'vpn0', 'type', 'bridge');
    await inNamespace('ip', 'link', 'set', 'vpn0', 'up');
    await inNamespace('ip', 'addr', 'add', '10.0.75.9/16', 'dev', 'vpn0');
    const before = await hostNetwork();
    await instance.configure({ network: { subnet: '10.0.75.0/24' } });
    const result = await up();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/MOBYVM_SUBNET_IN_USE/);
    expect(result.stderr).toMatch(/vpn0/);
    expect(await hostNetwork()).toBe(before);
  });

  test.each([
    ['DHCP', 'udp', 67],
    ['DNS', 'udp', 53],
    ['DNS', 'tcp', 53],
  ])(
    'a taken %s port (%s %i) is reported with its owner, and everything is undone',
    async (_name, protocol, port) => {
      await inNamespace('ip', 'link', 'set', 'lo', 'up');
      const before = await hostNetwork();
      const listener = protocol === 'udp' ? `UDP4-RECV:${port}` : `TCP4-LISTEN:${port}`;
      await using squatter = new RunningProgram('ip', [
        'netns',
        'exec',
        instance.namespace,
        'socat',
        '-u',
        listener,
        'STDOUT',
      ]);
      await waitFor(
        {
          title: 'the port to be taken',
          timeoutSeconds: 120,
          hint: '',
          check: async () => (await inNamespace('ss', '-Hln', `sport = :${port}`)) !== '',
        },
        never,
      );
      const result = await up();
      expect(result.exitCode, result.stderr).toBe(1);
      expect(result.stderr).toMatch(/MOBYVM_PORT_IN_USE/);
      expect(result.stderr).toContain(`"socat" (pid ${squatter.pid})`);
      expect(await hostNetwork()).toBe(before);
    },
  );
});

describe('while the VM starts', () => {
  test('Ctrl-C leaves nothing behind and exits with 130', async () => {
    await using command = instance.start('up', '--netns', instance.namespace);
    await command.line(/virtual machine/, 120);
    process.kill(command.pid, 'SIGINT');
    expect(await command.exit).toBe(130);
    expect(await instance.processes()).toEqual([]);
    expect((await run('ip', ['netns', 'list'])).stdout).not.toContain(instance.namespace);
    expect(await readdir(join(instance.directory, 'run'))).not.toContain('control.sock');
  });

  test('docker reports the current step', async () => {
    await instance.configure({ engine: { waitSeconds: 0 } });
    await using command = instance.start('up', '--netns', instance.namespace);
    await command.line(/virtual machine/, 120);
    await expect(instance.docker(['ps'])).rejects.toMatchObject({
      message: expect.stringContaining('mobyvm is starting: ') as string,
    });
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    expect(await command.exit).toBe(130);
  });

  test('a guest whose DHCP requests get no answer is reported with its last stage and console lines', async () => {
    // For each stage: those before this one must be over in time on a slow machine.
    await instance.configure({ vm: { bootTimeoutSeconds: 90 } });
    await addNamespace();
    await inNamespace('nft', 'add', 'table', 'inet', 'foreign');
    await inNamespace('nft', 'add chain inet foreign input { type filter hook input priority -300; }');
    await inNamespace('nft', 'add rule inet foreign input udp dport 67 drop');
    const before = await hostNetwork();
    const result = await up();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/MOBYVM_NO_LEASE/);
    expect(result.stderr).toMatch(/The last stage was "[a-z]+"/);
    expect(result.stderr).toMatch(/Its console ends with:\n\s+\S/);
    expect(await hostNetwork()).toBe(before);
  });

  test('a guest whose kernel panics is reported with the panic', async () => {
    const directory = join(instance.directory, 'image');
    await mkdir(directory);
    await makePanickingImage(directory);
    await instance.configure({ image: { directory } });
    const result = await up();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/MOBYVM_VM_DIED/);
    expect(result.stderr).toMatch(/panic/i);
  });

  test('an engine that refuses its settings is reported with its own sentence', async () => {
    await instance.configure({ engine: { daemonJson: { 'registry-mirrors': ['ftp://mirror.example'] } } });
    const result = await up();
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/dockerd ended with status 1: .*invalid mirror: unsupported scheme "ftp"/);
  });

  test('a full disk is reported, and what is running keeps running', async () => {
    const state = join(instance.directory, 'state');
    await mkdir(state);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', state]);
    try {
      const result = await up();
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toMatch(/MOBYVM_DISK_FULL/);
      await instance.mobyvm(['down', '--stop']);
    } finally {
      await run('umount', ['-l', state]);
      await rm(state, { recursive: true });
    }
  });
});

/** The real image with an invalid initramfs: the kernel finds no root file system and panics. */
async function makePanickingImage(directory: string): Promise<void> {
  const junk = join(directory, 'initrd');
  await writeFile(junk, 'not an initramfs');
  const iso = join(directory, 'mobyvm.iso');
  const { stderr } = await run(
    'xorriso',
    [
      ...['-indev', join(IMAGE_DIR, 'mobyvm.iso'), '-outdev', iso, '-boot_image', 'any', 'replay'],
      ...['-map', junk, '/live/initrd'],
    ],
    { timeoutMs: 120_000 },
  );
  expect(stderr).toContain('completed successfully');
  const content = await readFile(iso);
  const sha256 = createHash('sha256').update(content).digest('hex');
  await writeFile(
    join(directory, 'manifest.json'),
    JSON.stringify({
      schemaVersion: 1,
      recipe: 'panic',
      files: { 'mobyvm.iso': { size: content.length, sha256 } },
    }),
  );
}
