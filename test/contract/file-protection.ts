import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FileProtection, FolderUse } from '../../src/core/host/index.js';

export interface FileProtectionHarness extends AsyncDisposable {
  readonly protection: FileProtection;
  /** A folder that everybody may enter and only we may write. */
  readonly folder: string;
  /** Who may read the file, or enter the folder. */
  readersOf(path: string): Promise<'owner' | 'others too'>;
  /** Lets everybody read it, as after a copy. */
  expose(path: string): Promise<void>;
  /** Gives the file, folder or link itself to an ordinary user; undefined without the right to do that. */
  readonly giveAway: ((path: string) => Promise<void>) | undefined;
  /** The folders that others may enter on this platform. */
  readonly open: readonly FolderUse[];
}

const USES: readonly FolderUse[] = ['private', 'state', 'run', 'log'];

/** What every protection of files does, on a real file system. */
export function describeFileProtection(name: string, make: () => Promise<FileProtectionHarness>): void {
  describe(`the protection of files: ${name}`, () => {
    test.each(USES)('creates a folder for %s with its parents, and lets in who may enter', async (use) => {
      await using under = await make();
      const path = join(under.folder, 'a/b');
      await under.protection.folder(path, use);
      expect(await under.readersOf(path)).toBe(under.open.includes(use) ? 'others too' : 'owner');
      await under.protection.folder(path, use);
      expect(await under.readersOf(path)).toBe(under.open.includes(use) ? 'others too' : 'owner');
    });

    test('restricts an existing private folder again and keeps what is in it', async () => {
      await using under = await make();
      const path = join(under.folder, 'keys');
      await mkdir(path);
      await writeFile(join(path, 'key'), 'secret');
      await under.expose(path);
      await under.protection.folder(path, 'private');
      expect(await under.readersOf(path)).toBe('owner');
      expect(await readFile(join(path, 'key'), 'utf8')).toBe('secret');
    });

    test('leaves a folder as it is that other programs may use too', async () => {
      await using under = await make();
      const path = join(under.folder, 'logs');
      await mkdir(path);
      await under.expose(path);
      await under.protection.folder(path, 'log');
      expect(await under.readersOf(path)).toBe('others too');
    });

    test('restricts a file that others could read', async () => {
      await using under = await make();
      const path = join(under.folder, 'key');
      await writeFile(path, 'secret');
      await under.expose(path);
      await under.protection.file(path);
      expect(await under.readersOf(path)).toBe('owner');
    });

    test('refuses a private folder that belongs to another user, and a link of his', async ({ skip }) => {
      await using under = await make();
      const { giveAway } = under;
      if (giveAway === undefined) return skip('only root can give files away');
      const path = join(under.folder, 'keys');
      await mkdir(path);
      await giveAway(path);
      const refused = expect.objectContaining({
        code: 'MOBYVM_FOREIGN_OBJECT',
        message: expect.stringContaining(path) as string,
      }) as Error;
      await expect(under.protection.folder(path, 'private')).rejects.toThrow(refused);
      const link = join(under.folder, 'link');
      await mkdir(join(under.folder, 'target'));
      await symlink(join(under.folder, 'target'), link);
      await giveAway(link);
      await expect(under.protection.folder(link, 'private')).rejects.toMatchObject({
        code: 'MOBYVM_FOREIGN_OBJECT',
      });
    });

    test('names a file in the place of a folder', async () => {
      await using under = await make();
      const path = join(under.folder, 'flat');
      await writeFile(path, '');
      await expect(under.protection.folder(path, 'private')).rejects.toMatchObject({
        code: 'MOBYVM_STATE_FILE',
      });
    });
  });
}
