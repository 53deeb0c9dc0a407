import { chmod, lchown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { posixProtection } from '../../src/core/host/index.js';
import { describeFileProtection, type FileProtectionHarness } from './file-protection.js';

const NOBODY = 65_534;

describeFileProtection('modes and ownership on Linux', linuxHarness);

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
