import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setAsideIn } from '../../../../src/core/host/index.js';
import { fileItemStore, setItemsAsideIfUnreadable } from '../../../../src/daemon/guest/index.js';

let directory = '';
let path = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mobyvm-items-'));
  path = join(directory, 'kvp-items.json');
});
afterEach(() => rm(directory, { recursive: true }));

test('items survive a save and a load, in a file that only root can read', async () => {
  const store = fileItemStore(path);
  expect(await store.load()).toEqual({ items: [], removals: [] });
  const removals = [{ name: 'c', secret: false }];
  const items = [
    { name: 'a', value: 'ü\n', secret: true },
    { name: 'b', value: '' },
  ];
  await store.save({ items, removals });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await fileItemStore(path).load()).toMatchObject({
    items: [
      { name: 'a', value: 'ü\n', secret: true },
      { name: 'b', value: '', secret: false },
    ],
    removals,
  });
});

test('a file of version 1 has no removals', async () => {
  const items = [{ name: 'a', value: 'b', secret: false }];
  await writeFile(path, JSON.stringify({ version: 1, items }));
  expect(await fileItemStore(path).load()).toMatchObject({ items, removals: [] });
});

test('a damaged file is reported without its contents, and kept', async () => {
  await writeFile(path, '{"planted": "secret"');
  const failure = fileItemStore(path).load();
  await expect(failure).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
  await expect(failure).rejects.not.toThrow(/planted/);
  expect(await readFile(path, 'utf8')).toBe('{"planted": "secret"');
});

test('a damaged file is set aside before a start, and a valid one is kept', async () => {
  expect(await setItemsAsideIfUnreadable(path)).toBe(false);
  await fileItemStore(path).save({ items: [{ name: 'a', value: 'b' }], removals: [] });
  expect(await setItemsAsideIfUnreadable(path)).toBe(false);
  expect((await fileItemStore(path).load()).items).toHaveLength(1);
  await writeFile(path, '{"planted": "secret"');
  expect(await setItemsAsideIfUnreadable(path)).toBe(true);
  const [kept] = await setAsideIn(directory);
  expect(await readFile(kept!.keptAs, 'utf8')).toBe('{"planted": "secret"');
  expect((await fileItemStore(path).load()).items).toEqual([]);
});
