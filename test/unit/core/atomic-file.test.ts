import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  fileAccessError,
  diskFullError,
  makeFolder,
  readFileIfPresent,
  writeFileAtomically,
} from '../../../src/core/host/index.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-atomic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeFileAtomically', () => {
  test('creates its parent folders and is readable by its owner only', async () => {
    const path = join(folder, 'a/b/file');
    await writeFileAtomically(path, 'grüß');
    expect(await readFile(path, 'utf8')).toBe('grüß');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFileAtomically(path, 'public', 'everyone');
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  test('shows readers the old or the new text, never part of one', async () => {
    const path = join(folder, 'file');
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000));
    await writeFileAtomically(path, texts[0]!);
    const writes = (async () => {
      for (let round = 0; round < 20; round += 1) await writeFileAtomically(path, texts[round % 2]!);
      return 'written' as const;
    })();
    const reads = async (): Promise<undefined> => {
      expect(texts).toContain(await readFile(path, 'utf8'));
    };
    while ((await Promise.race([writes, reads()])) === undefined);
  });

  test('leaves the old file, and no other, if writing fails', async () => {
    const path = join(folder, 'target');
    await writeFileAtomically(join(path, 'inside'), 'kept');
    await expect(writeFileAtomically(path, 'text')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['target']);
    expect(await readFile(join(path, 'inside'), 'utf8')).toBe('kept');
    await writeFile(join(folder, 'flat'), '');
    await expect(writeFileAtomically(join(folder, 'flat/file'), 'text')).rejects.toThrow();
  });

  test('names the file system that is full', () => {
    const error = diskFullError('/var/lib/mobyvm/x.json', undefined);
    expect(error.code).toBe('MOBYVM_DISK_FULL');
    expect(error.message).toContain('/var/lib/mobyvm/x.json');
    expect(error.remedy).toContain('/var/lib/mobyvm');
  });
});

describe('makeFolder', () => {
  test('creates its parents as well, and succeeds if they exist', async () => {
    const path = join(folder, 'a/b/c');
    await makeFolder(path, 'owner');
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    await makeFolder(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  test('names a file that exists in place of the folder', async () => {
    await writeFile(join(folder, 'flat'), '');
    await expect(makeFolder(join(folder, 'flat/x/y'))).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
    await expect(makeFolder(join(folder, 'flat'))).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
  });
});

describe('readFileIfPresent', () => {
  test('is undefined for a missing file, and an error for an unreadable one', async () => {
    expect(await readFileIfPresent(join(folder, 'missing'))).toBeUndefined();
    await expect(readFileIfPresent(folder)).rejects.toMatchObject({
      code: 'MOBYVM_STATE_FILE',
      message: expect.stringContaining(folder) as string,
    });
  });
});

describe('a path that cannot be used', () => {
  test.each([
    ['EROFS', 'MOBYVM_STATE_FILE', /read-only/],
    ['ENOTDIR', 'MOBYVM_STATE_FILE', /a file where a folder/],
    ['EDQUOT', 'MOBYVM_DISK_FULL', /No space left/],
  ])('is reported with its problem: %s', (errno, code, message) => {
    const cause = Object.assign(new Error(errno), { code: errno });
    expect(fileAccessError('/var/lib/x', cause)).toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(/\w/) as string,
    });
  });

  test('with an unrelated error keeps that error', () => {
    const refused = Object.assign(new Error('denied'), { code: 'EACCES' });
    expect(fileAccessError('/x', refused)).toBe(refused);
  });
});
