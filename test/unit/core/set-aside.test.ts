import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { setAside, setAsideIn, StateFile } from '../../../src/core/host/index.js';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-aside-'));
  path = join(folder, 'thing.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = (): StateFile<{ a: number }> =>
  new StateFile({ path, schema: z.strictObject({ a: z.number() }) });

describe('a state file that cannot be read', () => {
  test.each([
    ['is empty', ''],
    ['is cut off', '{"a": 1'],
    ['is refused by its schema', '{"a": "one"}'],
    ['is of a later version', '{"a": 1, "b": 2}'],
    ['is no text', '\0\0\0\0'],
  ])('because it %s is renamed, whole', async (_why, text) => {
    await writeFile(path, text);
    await expect(file().read()).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
    expect(await file().peek()).toBeUndefined();
    expect(await file().setAsideIfUnreadable()).toBe(true);
    expect(await file().read()).toBeUndefined();
    const [kept, ...more] = await setAsideIn(folder);
    expect(more).toEqual([]);
    expect(kept).toMatchObject({ name: 'thing.json' });
    expect(await readFile(kept!.keptAs, 'utf8')).toBe(text);
  });

  test('is kept three times at most, the latest', async () => {
    for (const day of [1, 2, 3, 4, 5]) {
      await writeFile(path, String(day));
      await setAside(path, new Date(Date.UTC(2030, 0, day)));
    }
    await writeFile(join(folder, 'other.json'), '');
    await setAside(join(folder, 'other.json'), new Date(Date.UTC(2020, 0, 1)));
    const names = await readdir(folder);
    expect(names.sort()).toEqual([
      'other.json.unreadable-2020-01-01T00-00-00-000Z',
      'thing.json.unreadable-2030-01-03T00-00-00-000Z',
      'thing.json.unreadable-2030-01-04T00-00-00-000Z',
      'thing.json.unreadable-2030-01-05T00-00-00-000Z',
    ]);
  });
});

test('a state file that can be read, or does not exist, is left alone', async () => {
  expect(await file().setAsideIfUnreadable()).toBe(false);
  await file().write({ a: 1 });
  expect(await file().setAsideIfUnreadable()).toBe(false);
  expect(await file().peek()).toEqual({ a: 1 });
  expect(await readdir(folder)).toEqual(['thing.json']);
});

test('a folder that does not exist has nothing set aside', async () => {
  expect(await setAsideIn(join(folder, 'missing'))).toEqual([]);
});
