import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/host/index.js';
import { lastImageFindings } from '../../../src/daemon/doctor/last-image-findings.js';
import { imageProblem, KeptImage } from '../../../src/daemon/machine/last-image.js';

let folder = '';
let directory = '';
let image = '';
let kept = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-last-image-'));
  directory = join(folder, 'last-image');
  image = join(folder, 'mobyvm.iso');
  kept = join(directory, 'mobyvm.iso');
  await put('first', 1);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A daemon of its own each time: what it knows is in the folder. */
const images = (): KeptImage => new KeptImage(directory, silentLogger);

/** In place, as `cp` does it. @param day of its date */
async function put(content: string, day: number): Promise<void> {
  await writeFile(image, content);
  await utimes(image, new Date(Date.UTC(2030, 0, day)), new Date(Date.UTC(2030, 0, day)));
}

test('an image that was never started has none before it', async () => {
  expect(await images().choose(image, false)).toBe(image);
  expect(await images().before(image)).toBeUndefined();
  expect(await imageProblem(directory)).toBeUndefined();
});

describe('the image with which the engine answered', () => {
  beforeEach(() => images().answered(image));

  test('is kept as it was, also when its file is overwritten', async () => {
    await put('second', 2);
    expect(await readFile(kept, 'utf8')).toBe('first');
    expect(await images().before(image)).toBe(kept);
    expect((await readdir(directory)).sort()).toEqual(['last-image.json', 'mobyvm.iso']);
  });

  test('is copied once', async () => {
    const { ino } = await stat(kept);
    await images().answered(image);
    expect((await stat(kept)).ino).toBe(ino);
  });

  test('is not tried instead of itself', async () => {
    expect(await images().before(image)).toBeUndefined();
    expect(await images().before(kept)).toBeUndefined();
  });

  test('gives way to the next one whose engine answers', async () => {
    await put('second', 2);
    await images().answered(image);
    expect(await readFile(kept, 'utf8')).toBe('second');
  });

  test('stays the last one while it runs in place of another', async () => {
    await put('second', 2);
    await images().answered(kept);
    expect(await images().before(image)).toBe(kept);
  });
});

describe('an image that has failed', () => {
  beforeEach(async () => {
    await images().answered(image);
    await put('broken', 2);
    await images().hasFailed(image, 'The Docker Engine did not answer.');
  });

  test('is left out by the next start, and named by status and doctor', async () => {
    expect(await images().choose(image, false)).toBe(kept);
    expect(await images().choose(image, false)).toBe(kept);
    const found = await imageProblem(directory);
    expect(found?.problem).toContain(`${image} did not start (The Docker Engine did not answer)`);
    expect(found?.remedy).toContain('`mobyvm restart` tries it again');
    expect(await lastImageFindings({ lastImageDir: directory })).toMatchObject([
      { id: 'last-image', verdict: 'notice', detail: found?.problem },
    ]);
  });

  test('is tried again by a restart', async () => {
    expect(await images().choose(image, true)).toBe(image);
    expect(await imageProblem(directory)).toBeUndefined();
    expect(await images().before(image)).toBe(kept);
  });

  test('is tried again when its file has changed', async () => {
    await put('repaired', 3);
    expect(await images().choose(image, false)).toBe(image);
    expect(await imageProblem(directory)).toBeUndefined();
  });

  test('is tried again if the kept one is gone', async () => {
    await rm(kept);
    expect(await images().choose(image, false)).toBe(image);
  });
});

test('a description that cannot be read means that nothing is kept', async () => {
  await images().answered(image);
  await writeFile(join(directory, 'last-image.json'), '{');
  await put('second', 2);
  expect(await images().before(image)).toBeUndefined();
  await images().answered(image);
  expect(await readFile(kept, 'utf8')).toBe('second');
});

test('an image that cannot be kept keeps no machine from starting', async () => {
  await writeFile(directory, 'a file in its place');
  await images().answered(image);
  expect(await images().choose(image, false)).toBe(image);
});
