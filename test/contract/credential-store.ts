import { describe, expect, test } from 'vitest';
import type { CredentialStore } from '../../src/share/index.js';

export interface CredentialStoreWorld extends AsyncDisposable {
  readonly store: CredentialStore;
  /** The same passwords as the next daemon sees them. */
  next(): CredentialStore;
}

/** What holds for every store of passwords. */
export function describeCredentialStore(title: string, make: () => Promise<CredentialStoreWorld>): void {
  describe(title, () => {
    test('keeps passwords as they are, for the next daemon as well', async () => {
      await using world = await make();
      const passwords = { 'DOMAIN\\me': ' a,b"\\ ', 'me@example.com': '😀ß', me: '%U$(x)' };
      for (const [account, password] of Object.entries(passwords)) await world.store.write(account, password);
      for (const [account, password] of Object.entries(passwords)) {
        expect(await world.next().read(account)).toBe(password);
      }
      expect(await world.store.list()).toEqual(['DOMAIN\\me', 'me', 'me@example.com']);
    });

    test('replaces and removes, and removing twice is fine', async () => {
      await using world = await make();
      await world.store.write('me', 'old');
      await world.store.write('other', 'kept');
      await world.store.write('me', 'new');
      expect(await world.store.read('me')).toBe('new');
      await world.store.remove('me');
      await world.store.remove('me');
      expect([await world.store.read('me'), await world.store.read('other')]).toEqual([undefined, 'kept']);
      expect(await world.store.list()).toEqual(['other']);
    });

    test('knows nothing at first, and no name of an object', async () => {
      await using world = await make();
      for (const account of ['me', 'toString', 'constructor']) {
        expect(await world.store.read(account)).toBeUndefined();
      }
      expect(await world.store.list()).toEqual([]);
    });

    test('refuses what no server can use', async () => {
      await using world = await make();
      await expect(world.store.write('me', 'a\nb')).rejects.toMatchObject({
        code: 'MOBYVM_SHARE_CREDENTIALS',
      });
      expect(await world.store.list()).toEqual([]);
    });

    test('many writes at once are all kept', async () => {
      await using world = await make();
      const names = Array.from({ length: 20 }, (_, index) => `user${index + 10}`);
      await Promise.all(names.map((name) => world.store.write(name, `of ${name}`)));
      expect(await world.store.list()).toEqual(names);
    });
  });
}
