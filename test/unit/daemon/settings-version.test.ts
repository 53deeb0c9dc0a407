import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings, parseSettings } from '../../../src/daemon/settings/load.js';
import { migrateSettings } from '../../../src/daemon/settings/migrate.js';
import { SettingsFile } from '../../../src/daemon/settings/settings-file.js';
import {
  currentVersion,
  SETTINGS_MIGRATIONS,
  type SettingsMigration,
} from '../../../src/daemon/settings/settings-version.plan.js';

/** Two versions that never were: memory in GiB, which became MiB; and `log.verbosity`, which became `log.level`. */
const MIGRATIONS: readonly SettingsMigration[] = [
  ({ vm, ...rest }) => {
    const { memoryGiB, ...others } = vm as { readonly memoryGiB?: number };
    return { ...rest, vm: memoryGiB === undefined ? others : { ...others, memoryMiB: memoryGiB * 1024 } };
  },
  ({ log, ...rest }) => (log === undefined ? rest : { ...rest, log: { level: 'debug' } }),
];
const FIRST = { vm: { cpus: 3, memoryGiB: 4 }, log: { verbosity: 9 } };

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-settings-version-'));
  path = join(folder, 'settings.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const put = (content: unknown): Promise<void> => writeFile(path, JSON.stringify(content));
const written = async (): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
const migrate = (): Promise<readonly string[]> => migrateSettings(path, 'linux', MIGRATIONS);

describe('settings of an earlier version', () => {
  test('are migrated, and their file is kept as it was', async () => {
    const text = `\uFEFF${JSON.stringify(FIRST)}`;
    await writeFile(path, text, 'utf16le');
    expect(await migrate()).toEqual([
      `${path} was of version 1 and is now of version 3; the earlier file is ${path}.version-1.`,
    ]);
    expect(await written()).toEqual({
      version: 3,
      vm: { cpus: 3, memoryMiB: 4096 },
      log: { level: 'debug' },
    });
    expect(await readFile(`${path}.version-1`, 'utf16le')).toBe(text);
    expect(await migrate()).toEqual([]);
    expect(await readdir(folder)).toHaveLength(2);
  });

  test('start with their own migration', async () => {
    await put({ version: 2, vm: { memoryMiB: 2048 }, log: { verbosity: 1 } });
    expect(await migrate()).toHaveLength(1);
    expect(await written()).toEqual({ version: 3, vm: { memoryMiB: 2048 }, log: { level: 'debug' } });
  });

  test('are understood before they are migrated, so that nothing but `up` has to write', () => {
    const settings = parseSettings(JSON.stringify(FIRST), path, 'linux', MIGRATIONS);
    expect(settings).toMatchObject({ vm: { cpus: 3, memoryMiB: 4096 }, log: { level: 'debug' } });
  });

  test.each([
    ['they are invalid', { vm: { cpus: 'many' } }],
    ['they cannot be migrated', { vm: null }],
    ['they are no object', []],
  ])('are left alone if %s', async (_why, content) => {
    await put(content);
    expect(await migrate()).toEqual([]);
    expect(await written()).toEqual(content);
    expect(await readdir(folder)).toEqual(['settings.json']);
  });

  test('that do not exist are not written', async () => {
    expect(await migrate()).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a version', () => {
  test('later than the current one is refused, with a remedy', async () => {
    const later = currentVersion() + 1;
    await put({ version: later, vm: {} });
    await expect(loadSettings(path, 'linux')).rejects.toMatchObject({
      code: 'MOBYVM_SETTINGS',
      message: expect.stringContaining(`is of version ${later}`) as string,
      remedy: expect.stringContaining('Install the mobyvm') as string,
    });
    expect(await migrateSettings(path, 'linux')).toEqual([]);
    expect(await written()).toEqual({ version: later, vm: {} });
  });

  test.each([0, 1.5, '1', null])('cannot be %j', async (version) => {
    await put({ version });
    await expect(loadSettings(path, 'linux')).rejects.toMatchObject({
      code: 'MOBYVM_SETTINGS',
      message: expect.stringContaining('version: must be a number') as string,
    });
  });

  test('may be named, and is kept by the editor of the dashboard', async () => {
    await put({ version: currentVersion(), vm: { cpus: 1 } });
    expect((await loadSettings(path, 'linux')).vm.cpus).toBe(1);
    const file = new SettingsFile({ path, platform: 'linux' });
    const { settings, revision } = await file.read();
    expect(settings).toEqual({ vm: { cpus: 1 } });
    await file.save({ settings: { vm: { cpus: 2 } }, revision });
    expect(await written()).toEqual({ version: currentVersion(), vm: { cpus: 2 } });
  });

  test('has a migration from each that was before it', () => {
    expect(currentVersion()).toBe(SETTINGS_MIGRATIONS.length + 1);
  });
});
