import { link, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileCredentials } from '../../src/share/index.js';
import { describeCredentialStore, type CredentialStoreWorld } from './credential-store.js';

async function make(): Promise<CredentialStoreWorld & { readonly path: string; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-credentials-'));
  const path = join(folder, 'credentials.json');
  return {
    folder,
    path,
    store: fileCredentials(path),
    next: () => fileCredentials(path),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

describeCredentialStore('passwords in a file', make);

test('only the owner may read the file, and an empty one is removed', async () => {
  await using world = await make();
  await world.store.write('me', 'secret');
  expect((await stat(world.path)).mode & 0o777).toBe(0o600);
  await world.store.remove('me');
  expect(await readdir(world.folder)).toEqual([]);
});

test('a password that was replaced or removed is overwritten on the disk', async () => {
  await using world = await make();
  await world.store.write('me', 'first secret');
  const kept = join(world.folder, 'kept');
  await link(world.path, kept);
  await world.store.write('me', 'second secret');
  expect(await readFile(kept, 'utf8')).not.toContain('secret');
  await rm(kept);
  await link(world.path, kept);
  await world.store.remove('me');
  expect(await readFile(kept, 'utf8')).not.toContain('secret');
});

test('what a killed daemon left beside the file is removed', async () => {
  await using world = await make();
  await writeFile(`${world.path}.1234.tmp`, 'leftover');
  await world.store.write('me', 'secret');
  expect(await readdir(world.folder)).toEqual(['credentials.json']);
});

test('a file that cannot be parsed is refused without its content', async () => {
  await using world = await make();
  await writeFile(world.path, '{"version": 1, "passwords": {"me": "Planted-Secret"');
  const thrown: unknown = await world.store.read('me').catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: 'MOBYVM_STATE_FILE' });
  expect(JSON.stringify([thrown, String((thrown as Error).cause)])).not.toContain('Planted');
});

test('a file that cannot be parsed can be set aside, readable by its owner only, and the store continues', async () => {
  await using world = await make();
  await world.store.write('me', 'secret');
  expect(await world.store.setAsideIfUnreadable()).toBe(false);
  await truncate(world.path, 10);
  expect(await world.store.setAsideIfUnreadable()).toBe(true);
  expect(await world.store.list()).toEqual([]);
  const [name = ''] = await readdir(world.folder);
  expect(name).toMatch(/^credentials\.json\.unreadable-/);
  expect((await stat(join(world.folder, name))).mode & 0o777).toBe(0o600);
  await world.store.write('me', 'other');
  expect(await world.store.read('me')).toBe('other');
});
