import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeUninstalledFiles } from '../../../src/daemon/uninstalled-files.js';
import { instancePaths, type InstancePaths } from '../../../src/protocol/paths.js';

let folder = '';
let paths: InstancePaths;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-uninstalled-'));
  paths = instancePaths('linux', {
    MOBYVM_STATE_DIR: join(folder, 'state'),
    MOBYVM_RUN_DIR: join(folder, 'run'),
    MOBYVM_LOG_DIR: join(folder, 'log'),
  });
  await mkdir(join(paths.logDir, 'cores/smbd'), { recursive: true });
  for (const name of LOGS) await writeFile(join(paths.logDir, name), 'x');
});
afterEach(() => rm(folder, { recursive: true }));

/** As docs/files.md has them. */
const LOGS = [
  ...['daemon.log', 'daemon1.log', 'daemon.out', 'console.log', 'console.log.1', 'qemu.log'],
  ...['samba.log', 'samba.log.old'],
];

test('an uninstall leaves none of the logs, nor the folders that Samba makes beside its own', () => {
  removeUninstalledFiles(paths);
  expect(existsSync(paths.logDir)).toBe(false);
});

test('it leaves what is not of mobyvm', async () => {
  await writeFile(join(paths.logDir, 'cores/smbd/core'), 'memory');
  await writeFile(join(paths.logDir, 'notes'), 'mine');
  removeUninstalledFiles(paths);
  expect((await readdir(paths.logDir, { recursive: true })).sort()).toEqual(
    ['cores', 'cores/smbd', 'cores/smbd/core', 'notes'].sort(),
  );
});
