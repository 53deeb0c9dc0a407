import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

/** The host's disk fills up while a real guest writes. The tests depend on each other, in this order. */
const MIB = 1024 ** 2;
const IMAGE = 'mobyvm-busybox';
let instance: Instance;
let state = '';

beforeAll(async () => {
  instance = await Instance.create();
  state = join(instance.directory, 'state');
  await mkdir(state);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=600m', 'tmpfs', state]);
});
afterAll(async () => {
  await instance.mobyvm(['down', '--stop']);
  await run('umount', ['-l', state]);
  await instance[Symbol.asyncDispose]();
});

/** Uses up all space except the given amount. */
async function fillUpTo(freeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(state);
  await writeFile(join(state, 'filler'), Buffer.alloc(Math.max(bavail * bsize - freeBytes, 0), 1));
}

async function makeRoom(): Promise<void> {
  await rm(join(state, 'filler'));
}

test('a start on a full disk fails long before its timeout, with the folder and the free space', async () => {
  await instance.configure({ vm: { bootTimeoutSeconds: 3600 } });
  await fillUpTo(2 * MIB);
  const result = await instance.mobyvm([...instance.upCommand], { timeoutMs: 400_000 });
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/MOBYVM_DISK_FULL/);
  expect(result.stderr).toMatch(/\S+state\S* is full \(\d+ MiB free/);
  await makeRoom();
});

test('a running machine is degraded while its guest waits for space, and resumes by itself', async () => {
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  await fillUpTo(20 * MIB);
  const write = 'dd if=/dev/urandom of=/tmp/file bs=1M count=120 2>/dev/null; sync; wc -c </tmp/file';
  const writing = instance.docker(['run', '--rm', IMAGE, 'sh', '-c', write]);
  // It is awaited last; until then its failure must not count as unhandled.
  writing.catch(() => undefined);
  await instance.untilState('degraded', 180);
  expect(await instance.status()).toMatchObject({
    vm: { state: 'stalled' },
    error: { code: 'MOBYVM_DISK_FULL', message: expect.stringContaining(state) as string },
  });
  const again = await instance.mobyvm([...instance.upCommand]);
  expect(again.exitCode).toBe(1);
  expect(again.stderr).toMatch(/MOBYVM_DISK_FULL/);
  await makeRoom();
  await instance.untilState('running', 60);
  // Nothing was lost: the guest's data is complete.
  expect((await writing).trim()).toBe(String(120 * MIB));
});

test('down removes everything although the ledger cannot be written', async () => {
  await fillUpTo(0);
  const down = await instance.mobyvm(['down', '--stop']);
  expect(down.exitCode, down.stderr).toBe(0);
  expect(await instance.processes()).toEqual([]);
  expect((await run('ip', ['netns', 'list'])).stdout).not.toContain(instance.namespace);
  expect(await instance.status()).toEqual({ state: 'not-running', leftovers: 0 });
  await makeRoom();
});
