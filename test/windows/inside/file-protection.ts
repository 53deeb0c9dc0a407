import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WindowsItems } from '../../../src/windows/files/windows-items.js';
import { windowsProtection } from '../../../src/windows/index.js';
import { accessOfOthers } from '../../../src/windows/security.plan.js';
import { describeFileProtection, type FileProtectionHarness } from '../../contract/file-protection.js';

const items = new WindowsItems();

function othersAt(path: string): ReturnType<typeof accessOfOthers> {
  using item = items.open(path, 'look');
  return item === undefined ? 'none' : accessOfOthers(item.security(), items.ownSid);
}

function expose(path: string): void {
  using item = items.open(path, 'change');
  item?.protect('D:P(A;OICI;FA;;;WD)');
}

async function makeHarness(): Promise<FileProtectionHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-protection-'));
  return {
    protection: windowsProtection,
    folder,
    // Wine keeps only what fits into the modes of Linux: the entries of the owner and of Everyone, but not of Users.
    open: [],
    readersOf: (path) => Promise.resolve(othersAt(path) === 'none' ? 'owner' : 'others too'),
    expose: (path) => {
      expose(path);
      return Promise.resolve();
    },
    giveAway: undefined,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

describeFileProtection('access lists on Windows', makeHarness);

it('a path longer than 260 characters can be protected', async () => {
  await using under = await makeHarness();
  const path = join(under.folder, ...Array.from({ length: 6 }, () => 'x'.repeat(60)));
  await windowsProtection.folder(path, 'private');
  expect(othersAt(path)).toBe('none');
});

it('a state folder that others could read and write is restricted, and what is in it stays', async () => {
  await using under = await makeHarness();
  const path = join(under.folder, 'the state');
  await mkdir(join(path, 'image'), { recursive: true });
  await writeFile(join(path, 'token'), 'secret');
  expose(path);
  expect(othersAt(path)).toBe('more');
  await windowsProtection.folder(path, 'state');
  expect(othersAt(path)).toBe('none');
});

it('a file that is not there is not protected', async () => {
  await using under = await makeHarness();
  await expect(windowsProtection.file(join(under.folder, 'missing'))).rejects.toMatchObject({
    code: 'MOBYVM_STATE_FILE',
  });
});
