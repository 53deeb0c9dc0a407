import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import { inGuest } from '../support/guest-shell.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

/**
 * The Alpine recipe's image: with Alpine's packages if `MOBYVM_TEST_ALPINE_IMAGE_DIR` names one (scripts/verify-alpine), and
 * otherwise one of Alpine's layout with Debian's programs. The tests depend on each other, in this order.
 */
const CHECKOUT = resolve(import.meta.dirname, '../..');
const STAND_IN = join(CHECKOUT, 'build/guest/alpine-stand-in');
const IMAGE_DIR = resolve(process.env['MOBYVM_TEST_ALPINE_IMAGE_DIR'] ?? STAND_IN);
const IMAGE = 'mobyvm-busybox';
let instance: Instance;

beforeAll(async () => {
  if (IMAGE_DIR === STAND_IN)
    await run(join(CHECKOUT, 'test/support/alpine/build-image'), [], { timeoutMs: 540_000 });
  instance = await Instance.create({ image: { directory: IMAGE_DIR } });
});
// Undefined if the image could not be built, whose failure is to be the only one.
afterAll(() => (instance as Instance | undefined)?.[Symbol.asyncDispose]());

async function consoleLines(pattern: RegExp): Promise<string[]> {
  const log = await readFile(join(instance.directory, 'log', 'console.log'), 'utf8');
  return log
    .split(/\r?\n/)
    .filter((line) => pattern.test(line))
    .map((line) => line.replace(/^\[mobyvm [\d.]+\] /, ''));
}

/** Looks at a copy of the data disk's content, as the next mount would find it. */
async function expectCleanDisk(): Promise<void> {
  const raw = join(instance.directory, 'data.raw');
  try {
    const disk = join(instance.directory, 'state/vm/data.qcow2');
    await run('qemu-img', ['convert', '-O', 'raw', disk, raw], { timeoutMs: 120_000 });
    const { stdout } = await run('dumpe2fs', ['-h', raw]);
    expect(stdout).toMatch(/^Filesystem state: +clean$/m);
    expect(stdout).not.toMatch(/^Filesystem features:.*needs_recovery/m);
  } finally {
    await rm(raw, { force: true });
  }
}

const UNMOUNTED = expect.stringMatching(/^shutdown: data disk \/dev\/\w+ unmounted$/) as string;

describe('the Alpine image', () => {
  test('boots to an engine that answers, with the configuration of the host', async () => {
    await instance.up();
    expect(await instance.docker(['version'])).toMatch(/Client:[^]*Server:/);
    expect(await instance.docker(['info', '--format', '{{.OperatingSystem}}'])).toMatch(/Alpine/);
    expect(await consoleLines(/ config!?: applied/)).toEqual([
      expect.stringMatching(/^config: applied: .*token.*server-cert.*time/),
    ]);
    expect((await consoleLines(/^\[mobyvm [\d.]+\] \w+!:/)).join('\n')).toBe('');
  });

  test('runs a container', async () => {
    await makeBusyboxImage(instance, IMAGE);
    expect(await instance.docker(['run', '--rm', IMAGE, 'echo', 'hello'])).toBe('hello\n');
  });

  test('has what the host and the kernel call where they look for it', async () => {
    const script = [
      '[ ! -L /sbin ] && echo unmerged',
      'for link in poweroff reboot init; do readlink /sbin/$link; done',
      'pidof hv_kvp_daemon acpid | wc -w',
      'sed -n "s/^[^ ]* \\(.dev.vmbus\\) \\([^ ]*\\) .*/\\1 \\2/p" /proc/mounts',
      'ls /etc/acpi/events',
    ];
    const answer = await inGuest(instance, IMAGE, script.join('\n'));
    expect(answer.trim().split('\n')).toEqual([
      'unmerged',
      '../usr/sbin/poweroff',
      '../usr/sbin/reboot',
      'openrc-init',
      '2',
      '/dev/vmbus fuse',
      'power-button',
    ]);
  });

  test('opens a shell in the VM', async () => {
    const answer = await instance.mobyvm(['shell', '--', 'cat', '/proc/1/comm']);
    expect(answer).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('init') as string });
  });

  test('exchanges items again after the program behind the device was killed', async () => {
    const listed = async (): Promise<string> =>
      (await instance.mobyvm(['kvp', 'list', '--pool', 'intrinsic'])).stdout;
    expect(await listed()).toContain('FullyQualifiedDomainName');
    await inGuest(instance, IMAGE, 'kill -9 $(pidof kvp-device)');
    const check = async (): Promise<boolean> => (await listed()).includes('FullyQualifiedDomainName');
    const requirement = { title: 'the exchange', timeoutSeconds: 120, hint: 'See the test.', check };
    await waitFor(requirement, new AbortController().signal);
    expect(
      await inGuest(
        instance,
        IMAGE,
        'grep -c " /dev/vmbus " /proc/mounts; ls -l /dev/vmbus/hv_kvp | cut -c 1-10',
      ),
    ).toBe('1\n-rw-------\n');
  });

  test('shuts down cleanly by its power button', async () => {
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('powered off') as string });
    expect(await consoleLines(/ shutdown!?:/)).toEqual(['shutdown: power button pressed', UNMOUNTED]);
    await expectCleanDisk();
  });

  test('keeps its data, and shuts down cleanly by /sbin/poweroff, which Hyper-V’s request runs', async () => {
    await instance.up();
    expect(await instance.docker(['run', '--rm', IMAGE, 'echo', 'again'])).toBe('again\n');
    await inGuest(instance, IMAGE, '/sbin/poweroff\nsleep 300\n').catch(() => 'the container ended first');
    await instance.untilState('failed', 240);
    expect((await consoleLines(/ shutdown!?:/)).at(-1)).toEqual(UNMOUNTED);
    expect((await consoleLines(/ shutdown!:/)).join('\n')).toBe('');
    await expectCleanDisk();
  });
});
