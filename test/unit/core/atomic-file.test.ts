import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  fileAccessError,
  diskFullError,
  makeFolder,
  readFileIfPresent,
  removeFile,
  renameFile,
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

describe('after a power failure', () => {
  /** Notes what is synced, in order, and what `look` sees at that moment. */
  async function syncsDuring<Seen>(look: () => Seen, work: () => Promise<void>) {
    const syncs: { readonly path: string; readonly seen: Seen }[] = [];
    await using handle = await open(folder, 'r');
    const handles = Object.getPrototypeOf(handle) as typeof handle;
    const spy = vi.spyOn(handles, 'sync').mockImplementation(function (this: typeof handle) {
      syncs.push({ path: readlinkSync(`/proc/self/fd/${this.fd}`), seen: look() });
      return Promise.resolve();
    });
    await work().finally(() => spy.mockRestore());
    return syncs;
  }
  const textOf = (path: string) => (): string | undefined =>
    existsSync(path) ? readFileSync(path, 'utf8') : undefined;

  test('a file that was written has its new text: file and folder are synced, in this order', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'old');
    const [first, second, ...more] = await syncsDuring(textOf(path), () => writeFileAtomically(path, 'new'));
    expect(basename(first!.path)).toMatch(/^file\..*\.tmp$/);
    expect(first!.seen).toBe('old');
    expect(second).toEqual({ path: folder, seen: 'new' });
    expect(more).toEqual([]);
  });

  test('new folders are there too', async () => {
    const path = join(folder, 'a/b/file');
    const syncs = await syncsDuring(textOf(path), () => writeFileAtomically(path, 'new'));
    const folders = syncs.map((each) => each.path).filter((each) => !each.endsWith('.tmp'));
    expect(folders).toEqual([join(folder, 'a'), folder, join(folder, 'a/b')]);
  });

  test('a removed file stays removed, and a renamed one renamed', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'text');
    const other = join(folder, 'other');
    expect(await syncsDuring(textOf(other), () => renameFile(path, other))).toEqual([
      { path: folder, seen: 'text' },
    ]);
    expect(await syncsDuring(textOf(other), () => removeFile(other))).toEqual([
      { path: folder, seen: undefined },
    ]);
    await removeFile(other);
  });

  test('a system that cannot sync folders keeps nobody from writing, and a broken disk is reported', async () => {
    const path = join(folder, 'file');
    await using handle = await open(folder, 'r');
    const handles = Object.getPrototypeOf(handle) as typeof handle;
    const refuse = (errno: string) =>
      vi.spyOn(handles, 'sync').mockImplementation(async function (this: typeof handle) {
        if ((await this.stat()).isDirectory()) throw Object.assign(new Error(errno), { code: errno });
      });
    for (const errno of ['EPERM', 'EINVAL', 'EIO']) {
      const spy = refuse(errno);
      const written = writeFileAtomically(path, errno).finally(() => spy.mockRestore());
      if (errno === 'EIO') await expect(written).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
      else await written;
    }
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
