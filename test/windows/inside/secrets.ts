import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/host/index.js';
import { loadCertificates } from '../../../src/daemon/certificates/index.js';
import { fileItemStore, loadToken, setItemsAsideIfUnreadable } from '../../../src/daemon/guest/index.js';
import { windowsCredentials } from '../../../src/share/credentials/windows-credentials.js';
import { credentialManager, windowsProtection } from '../../../src/windows/index.js';
import { describeCredentialStore, type CredentialStoreWorld } from '../../contract/credential-store.js';
import { describeSecretSeal } from '../../contract/secret-seal.js';

let worlds = 0;

function makeStore(): Promise<CredentialStoreWorld> {
  const path = `C:\\ProgramData\\mobyvm\\state${worlds++}\\credentials.json`;
  const open = (): CredentialStoreWorld['store'] => windowsCredentials(path, credentialManager);
  return Promise.resolve({
    store: open(),
    next: open,
    [Symbol.asyncDispose]: async () => {
      const store = open();
      for (const account of await store.list()) await store.remove(account);
    },
  });
}

describeCredentialStore("passwords in Windows' Credential Manager", makeStore);

describe("passwords in Windows' Credential Manager", () => {
  it.each([
    'x',
    'x'.repeat(127),
    ' \t ',
    '"\'`$%^&<>|;*?\\/',
    'käse-пароль-密码-😀',
    '\u0001\ufffe',
    'mobyvm-sealed-1:AAAA',
  ])('keep %j', async (password) => {
    await using world = await makeStore();
    await world.store.write('HOST\\käse user', password);
    expect(await world.next().read('HOST\\käse user')).toBe(password);
  });

  it('belong to one instance', async () => {
    await using first = await makeStore();
    await using second = await makeStore();
    await first.store.write('me', 'first');
    await second.store.write('me', 'second');
    expect([await first.store.read('me'), await second.store.read('me')]).toEqual(['first', 'second']);
    await first.store.remove('me');
    expect([await first.store.list(), await second.store.list()]).toEqual([[], ['me']]);
  });

  it('are never part of an error, such as that of a name that is too long', async () => {
    await using world = await makeStore();
    const failure: unknown = await world.store
      .write('x'.repeat(600), 'Planted')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'MOBYVM_SHARE_CREDENTIALS' });
    expect(JSON.stringify([failure, String((failure as Error).cause)])).not.toContain('Planted');
  });
});

describeSecretSeal('Windows, the Data Protection API', windowsProtection.seal, true);

describe('the state folder', () => {
  it("contains neither the machine's keys, nor its token, nor secret items in plain text", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-secrets-'));
    const { seal } = windowsProtection;
    const load = (): ReturnType<typeof loadCertificates> =>
      loadCertificates({
        directory: join(folder, 'tls'),
        files: windowsProtection,
        machineId: '5b0cf1f0-58a1-4d0c-8b9d-0c3b8a5f0a55',
        nowMs: Date.parse('2027-03-01T12:00:00Z'),
        logger: silentLogger,
      });
    try {
      const first = await load();
      expect(await load()).toEqual({ ...first, changed: false });
      const token = await loadToken(join(folder, 'token'), seal);
      expect(await loadToken(join(folder, 'token'), seal)).toBe(token);
      const items = fileItemStore(join(folder, 'items.json'), seal);
      const planted = [{ name: 'a', value: 'Planted', secret: true }];
      await items.save({ items: planted, removals: [] });
      expect((await items.load()).items).toEqual(planted);
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const text = await readFile(join(entry.parentPath, entry.name), 'utf8');
        for (const secret of ['PRIVATE KEY', token, 'Planted']) expect(text).not.toContain(secret);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('copied to another computer gets new keys and a new token, and secret items are set aside', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-secrets-'));
    const { seal } = windowsProtection;
    const foreign = 'mobyvm-sealed-1:AQAAANCMnd8BFdERjHoAwE/Cl+s=\n';
    try {
      await writeFile(join(folder, 'token'), foreign);
      expect(await loadToken(join(folder, 'token'), seal)).toMatch(/^[\w-]{43}$/);
      await writeFile(join(folder, 'items.json'), foreign);
      expect(await setItemsAsideIfUnreadable(join(folder, 'items.json'), seal)).toBe(true);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
