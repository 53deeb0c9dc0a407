import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bootImage } from '../../../src/daemon/image.js';
import { imageLocation, type ImageLocation } from '../../../src/daemon/image-location.js';
import { packagedImage } from '../../../src/daemon/packaged-image.js';

let folder = '';
const { signal } = new AbortController();
const context = { signal, progress: () => undefined, onFailure: () => undefined };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-packaged-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A package with an image of that content, as an installer puts it in the place of an older one. */
async function packaged(content: string): Promise<ImageLocation> {
  const directory = join(folder, 'package');
  const sha256 = createHash('sha256').update(content).digest('hex');
  const files = { 'mobyvm.iso': { size: content.length, sha256 } };
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'mobyvm.iso'), content);
  await writeFile(
    join(directory, 'manifest.json'),
    JSON.stringify({ schemaVersion: 1, recipe: 'debian', files }),
  );
  const paths = { imageDir: join(folder, 'state/image') };
  return imageLocation({ image: {} }, paths, join, await packagedImage(directory));
}

const off = () => Promise.resolve(true);
const inUse = () => Promise.resolve(false);
const kept = (): Promise<string[]> => readdir(join(folder, 'state/image'));

test('the image of the package is copied once', async () => {
  const location = await packaged('first');
  const image = bootImage(location, off);
  expect(await image.plan(context)).toEqual({ kind: 'create' });
  expect(await image.ensure(context)).toBe('create');
  expect(await readFile(location.isoPath, 'utf8')).toBe('first');
  expect(await image.plan(context)).toEqual({ kind: 'none' });
  expect(await image.ensure(context)).toBe('none');
});

test('after an upgrade a VM that runs or is saved keeps its image, and one that is off gets the new one', async () => {
  const first = await packaged('first');
  await bootImage(first, off).ensure(context);
  const second = await packaged('second');
  expect(await bootImage(second, inUse).ensure(context)).toBe('create');
  expect(await readFile(first.isoPath, 'utf8')).toBe('first');
  expect(await kept()).toHaveLength(2);
  expect(await bootImage(second, off).ensure(context)).toBe('none');
  expect(await readFile(second.isoPath, 'utf8')).toBe('second');
  expect(await kept()).toHaveLength(1);
});

test('a copy that was interrupted is made again', async () => {
  const location = await packaged('whole');
  await mkdir(`${location.directory}.new`, { recursive: true });
  await writeFile(join(`${location.directory}.new`, 'mobyvm.iso'), 'who');
  await bootImage(location, off).ensure(context);
  expect(await readFile(location.isoPath, 'utf8')).toBe('whole');
  expect(await kept()).toHaveLength(1);
});

test('a damaged package is refused, and uninstall removes all versions', async () => {
  const location = await packaged('whole');
  await writeFile(join(folder, 'package/mobyvm.iso'), 'wrong');
  await expect(bootImage(location, off).ensure(context)).rejects.toMatchObject({
    code: 'MOBYVM_IMAGE_CORRUPT',
    remedy: expect.stringContaining('mobyvm up') as string,
  });
  expect(await kept()).toEqual([]);
  expect(await bootImage(location, off).remove(context)).toBe('remove');
  await expect(kept()).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a copy that was damaged is replaced at the next start, unless a VM uses it', async () => {
  const location = await packaged('whole');
  await bootImage(location, off).ensure(context);
  await writeFile(location.isoPath, 'wrong');
  await expect(bootImage(location, inUse).ensure(context)).rejects.toMatchObject({
    code: 'MOBYVM_IMAGE_CORRUPT',
  });
  expect(await kept()).toHaveLength(1);
  await expect(bootImage(location, off).ensure(context)).rejects.toMatchObject({
    code: 'MOBYVM_IMAGE_CORRUPT',
  });
  await bootImage(location, off).ensure(context);
  expect(await readFile(location.isoPath, 'utf8')).toBe('whole');
});

test('a package without an image says so', async () => {
  expect(await packagedImage(join(folder, 'nothing'))).toBeUndefined();
});
