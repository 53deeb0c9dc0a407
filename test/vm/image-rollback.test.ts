import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { IMAGE_DIR, Instance } from '../support/instance.js';

const manifestSchema = z.looseObject({
  files: z.record(z.string(), z.looseObject({ size: z.number(), sha256: z.string() })),
});

/** https://docs.kernel.org/filesystems/squashfs.html: the magic number of the superblock */
const SQUASHFS_MAGIC = 'hsqs';

let instance: Instance;
let directory = '';
beforeEach(async () => {
  instance = await Instance.create();
  directory = join(instance.directory, 'image');
  await mkdir(directory);
  await instance.configure({ image: { directory } });
});
afterEach(() => instance[Symbol.asyncDispose]());

async function putGoodImage(): Promise<void> {
  for (const name of ['mobyvm.iso', 'manifest.json'])
    await copyFile(join(IMAGE_DIR, name), join(directory, name));
}

/** Its kernel boots, finds no root file system, and its manifest is right about it: a build that went wrong. */
async function putBrokenImage(): Promise<void> {
  const iso = await readFile(join(IMAGE_DIR, 'mobyvm.iso'));
  const at = iso.indexOf(SQUASHFS_MAGIC, 0, 'latin1');
  expect(at).toBeGreaterThan(0);
  for (let each = at; each >= 0; each = iso.indexOf(SQUASHFS_MAGIC, each + 1, 'latin1'))
    iso.fill(0, each, each + 4096);
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(IMAGE_DIR, 'manifest.json'), 'utf8')));
  const sha256 = createHash('sha256').update(iso).digest('hex');
  const files = { ...manifest.files, 'mobyvm.iso': { size: iso.length, sha256 } };
  await writeFile(join(directory, 'mobyvm.iso'), iso);
  await writeFile(join(directory, 'manifest.json'), JSON.stringify({ ...manifest, files }));
}

// Four boots, one of which fails.
const LIMIT = { timeout: 1_800_000 };

test(
  'an image that does not boot is rolled back by the same `up`, until a better one comes',
  LIMIT,
  async () => {
    await putGoodImage();
    await instance.up();
    await instance.docker(['volume', 'create', 'kept']);
    await instance.mobyvm(['down', '--stop']);

    await putBrokenImage();
    const rolledBack = await instance.up();
    expect(rolledBack.stdout + rolledBack.stderr).toMatch(/mobyvm\.iso did not start[^]*image before it/);
    expect(await instance.docker(['volume', 'ls', '-q'])).toContain('kept');
    const status = await instance.status();
    expect(status.state).toBe('running');
    expect(JSON.stringify(status['obstacles'])).toContain('did not start');
    expect((await instance.mobyvm(['doctor'])).stdout).toMatch(/Last boot image[^]*mobyvm restart/);
    await instance.mobyvm(['down', '--stop']);

    await putGoodImage();
    const repaired = await instance.up();
    expect(repaired.stdout + repaired.stderr).not.toContain('did not start');
    expect(await instance.docker(['volume', 'ls', '-q'])).toContain('kept');
    expect((await instance.mobyvm(['doctor'])).stdout).not.toContain('Last boot image');
  },
);
