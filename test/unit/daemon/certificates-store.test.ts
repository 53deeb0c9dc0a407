import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { posixProtection, type LogFields, type Logger } from '../../../src/core/host/index.js';
import { loadCertificates, type MachineCertificates } from '../../../src/daemon/certificates/index.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2027-03-01T12:00:00Z');
const MACHINE_ID = '5b0cf1f0-58a1-4d0c-8b9d-0c3b8a5f0a55';
const FILES = ['ca-key.pem', 'ca.pem', 'client-key.pem', 'client.pem', 'server-key.pem', 'server.pem'];

interface Store extends AsyncDisposable {
  readonly directory: string;
  /** `level event`, with the fields as JSON. */
  readonly log: readonly string[];
  load(more?: { readonly machineId?: string; readonly nowMs?: number }): Promise<MachineCertificates>;
}

async function testStore(): Promise<Store> {
  const root = await mkdtemp(join(tmpdir(), `mobyvm-certificates-${process.pid}-`));
  const directory = join(root, 'tls');
  const log: string[] = [];
  const at = (level: string) => (event: string, fields?: LogFields) =>
    void log.push(`${level} ${event} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return {
    directory,
    log,
    load: (more = {}) =>
      loadCertificates({
        directory,
        files: posixProtection,
        machineId: MACHINE_ID,
        nowMs: NOW_MS,
        logger,
        ...more,
      }),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

function isSameAuthority(a: MachineCertificates, b: MachineCertificates): boolean {
  return a.ca === b.ca;
}

function expectWhole({ ca, server, client }: MachineCertificates): void {
  const authority = new X509Certificate(ca);
  for (const { cert } of [server, client]) {
    expect(new X509Certificate(cert).verify(authority.publicKey)).toBe(true);
  }
}

describe('the certificate store', () => {
  test('creates everything at the first start and returns the same at the second', async () => {
    await using store = await testStore();
    const first = await store.load();
    expect(first.changed).toBe(true);
    expectWhole(first);
    expect(await store.load()).toEqual({ ...first, changed: false });
    expect(store.log.map((line) => line.split(' {')[0])).toEqual(['info certificates.created']);
  });

  test('is readable by its owner only, even if it was open before', async () => {
    await using store = await testStore();
    await store.load();
    await chmod(store.directory, 0o755);
    for (const name of FILES) await chmod(join(store.directory, name), 0o644);
    await store.load();
    expect(await readdir(store.directory)).toEqual(FILES);
    expect((await stat(store.directory)).mode & 0o777).toBe(0o700);
    for (const name of FILES) {
      expect((await stat(join(store.directory, name))).mode & 0o777, name).toBe(0o600);
    }
  });

  test("never returns or logs the authority's key", async () => {
    await using store = await testStore();
    const certificates = await store.load();
    const keyOf = async (name: string): Promise<string> => {
      const text = await readFile(join(store.directory, name), 'utf8');
      return text.split('\n')[1] ?? '';
    };
    expect(JSON.stringify(certificates)).not.toContain(await keyOf('ca-key.pem'));
    await writeFile(join(store.directory, 'ca.pem'), 'damaged');
    await store.load();
    for (const name of FILES.filter((each) => each.includes('key'))) {
      expect(store.log.join('\n')).not.toContain(await keyOf(name));
    }
    expect(store.log.join('\n')).not.toContain('PRIVATE');
  });

  test('renews leaf certificates within 30 days of expiry and keeps the authority', async () => {
    await using store = await testStore();
    const first = await store.load();
    expect((await store.load({ nowMs: NOW_MS + 365 * DAY_MS })).changed).toBe(false);
    const later = await store.load({ nowMs: NOW_MS + 367 * DAY_MS });
    expect(later.changed).toBe(true);
    expect(isSameAuthority(first, later)).toBe(true);
    expectWhole(later);
    expect(later.server.key).not.toBe(first.server.key);
    expect(store.log.at(-1)).toContain('info certificates.renewed');
  });

  test('creates a new authority when it expires or the machine is another one', async () => {
    await using store = await testStore();
    const first = await store.load();
    const second = await store.load({ nowMs: NOW_MS + 3_630 * DAY_MS });
    expect(isSameAuthority(first, second)).toBe(false);
    const third = await store.load({ nowMs: NOW_MS + 3_630 * DAY_MS, machineId: 'another-machine' });
    expect(isSameAuthority(second, third)).toBe(false);
    expectWhole(third);
    expect(store.log.at(-1)).toContain('warn certificates.authority.replaced');
    expect(store.log.at(-1)).toContain('another machine');
  });

  test.each(['ca.pem', 'ca-key.pem'])(
    'creates a new authority, with a warning, if %s is lost',
    async (name) => {
      await using store = await testStore();
      const first = await store.load();
      await rm(join(store.directory, name));
      const second = await store.load();
      expect(second.changed).toBe(true);
      expect(isSameAuthority(first, second)).toBe(false);
      expectWhole(second);
      expect(store.log.at(-1)).toContain('warn certificates.authority.replaced');
      expect((await store.load()).changed).toBe(false);
    },
  );

  test.each(FILES.flatMap((name) => ['', 'garbage', '\0\uffff'].map((text) => ({ name, text }))))(
    'starts even if $name contains "$text"',
    async ({ name, text }) => {
      await using store = await testStore();
      const first = await store.load();
      await writeFile(join(store.directory, name), text);
      const second = await store.load();
      expect(second.changed).toBe(true);
      expect(isSameAuthority(first, second)).toBe(!name.startsWith('ca'));
      expectWhole(second);
      expect((await store.load()).changed).toBe(false);
    },
  );

  test('detects a key of another certificate', async () => {
    await using store = await testStore();
    const first = await store.load();
    await writeFile(join(store.directory, 'server-key.pem'), first.client.key);
    const second = await store.load();
    expect(second.changed).toBe(true);
    expect(isSameAuthority(first, second)).toBe(true);
  });

  test('detects leaf certificates of another authority, as an interrupted start leaves them', async () => {
    await using store = await testStore();
    await using other = await testStore();
    await store.load();
    const authority = await other.load();
    for (const name of ['ca.pem', 'ca-key.pem']) {
      await writeFile(join(store.directory, name), await readFile(join(other.directory, name)));
    }
    const second = await store.load();
    expect(isSameAuthority(authority, second)).toBe(true);
    expectWhole(second);
  });

  test('detects swapped certificates', async () => {
    await using store = await testStore();
    const first = await store.load();
    await writeFile(join(store.directory, 'server.pem'), first.client.cert);
    await writeFile(join(store.directory, 'server-key.pem'), first.client.key);
    const second = await store.load();
    expect(new X509Certificate(second.server.cert).subjectAltName).toContain('engine.mobyvm.internal');
  });

  test('has a remedy for a folder in place of a file', async () => {
    await using store = await testStore();
    await mkdir(join(store.directory, 'server.pem', 'x'), { recursive: true });
    await expect(store.load()).rejects.toMatchObject({
      code: 'MOBYVM_STATE_FILE',
      message: expect.stringContaining(join(store.directory, 'server.pem')) as unknown,
    });
  });

  test('has a remedy for a file in place of the folder', async () => {
    await using store = await testStore();
    await writeFile(store.directory, 'a file');
    await expect(store.load()).rejects.toMatchObject({
      code: 'MOBYVM_STATE_FILE',
      message: expect.stringContaining(store.directory) as unknown,
    });
  });
});
