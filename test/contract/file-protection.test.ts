import { chmod, lchown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { posixProtection } from '../../src/core/host/index.js';
import { accessLists } from '../../src/daemon/windows/not-yet.js';
import { describeFileProtection, type FileProtectionHarness } from './file-protection.js';

const NOBODY = 65_534;

describeFileProtection('modes and ownership on Linux', linuxHarness);

test('the place of access lists on Windows refuses by name instead of leaving secrets readable', async () => {
  for (const refused of [accessLists.folder('C:\\state', 'state'), accessLists.file('C:\\state\\token')])
    await expect(refused).rejects.toMatchObject({
      code: 'MOBYVM_PLATFORM',
      message: expect.stringContaining('the protection of its files') as string,
    });
});

async function linuxHarness(): Promise<FileProtectionHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-protection-'));
  await chmod(folder, 0o755);
  return {
    protection: posixProtection,
    folder,
    open: ['state', 'run', 'log'],
    readersOf: async (path) => (((await stat(path)).mode & 0o077) === 0 ? 'owner' : 'others too'),
    expose: (path) => chmod(path, 0o755),
    giveAway: process.getuid?.() === 0 ? (path) => lchown(path, NOBODY, NOBODY) : undefined,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
