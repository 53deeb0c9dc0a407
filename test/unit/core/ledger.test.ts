import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileLedger, keyOf, memoryLedger, type LedgerEntry } from '../../../src/core/host/index.js';

const bridge: LedgerEntry = { kind: 'bridge', name: 'mobyvm0' };
const tap: LedgerEntry = { kind: 'tap', name: 'mobyvm0-t0', detail: 'boot 1' };

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-ledger-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ['memoryLedger', () => memoryLedger()],
  ['fileLedger', () => fileLedger(join(folder, 'state/ledger.json'))],
])('%s', (_, make) => {
  test('lists what was added and not yet deleted', async () => {
    const ledger = make();
    expect(await ledger.list()).toEqual([]);
    await ledger.add(bridge);
    await ledger.add(tap);
    expect(await ledger.has({ kind: 'tap', name: 'mobyvm0-t0' })).toBe(true);
    expect(await ledger.has({ kind: 'bridge', name: 'mobyvm0-t0' })).toBe(false);
    await ledger.delete(bridge);
    expect(await ledger.list()).toEqual([tap]);
  });

  test('keeps one entry per kind and name, with the latest detail', async () => {
    const ledger = make();
    await ledger.add(tap);
    await ledger.add({ ...tap, detail: 'boot 2' });
    expect(await ledger.list()).toEqual([{ ...tap, detail: 'boot 2' }]);
  });

  test('accepts the deletion of an unknown entry', async () => {
    const ledger = make();
    await ledger.delete(bridge);
    expect(await ledger.list()).toEqual([]);
  });

  test('loses nothing when many entries are added at once', async () => {
    const ledger = make();
    const entries = Array.from({ length: 30 }, (__, n) => ({ kind: 'address', name: `${n}` }));
    await Promise.all(entries.map((entry) => ledger.add(entry)));
    expect((await ledger.list()).map(keyOf).sort()).toEqual(entries.map(keyOf).sort());
  });
});

describe('fileLedger', () => {
  const path = (): string => join(folder, 'ledger.json');

  test('persists beyond its object', async () => {
    await fileLedger(path()).add(tap);
    expect(await fileLedger(path()).list()).toEqual([tap]);
  });

  test('sees what another ledger has written in the meantime', async () => {
    const [mine, theirs] = [fileLedger(path()), fileLedger(path())];
    await mine.add(bridge);
    await theirs.add(tap);
    expect(await mine.list()).toEqual([bridge, tap]);
  });

  test('writes readable JSON for its owner only and leaves no other file', async () => {
    await fileLedger(path()).add(bridge);
    expect(JSON.parse(await readFile(path(), 'utf8'))).toEqual({ version: 1, entries: [bridge] });
    expect(await readdir(folder)).toEqual(['ledger.json']);
  });

  test('has no file when it is empty', async () => {
    const ledger = fileLedger(path());
    await ledger.add(bridge);
    await ledger.delete(bridge);
    expect(await readdir(folder)).toEqual([]);
  });

  test('does not create a file when it is only read', async () => {
    const ledger = fileLedger(path());
    await ledger.has(bridge);
    await ledger.delete(bridge);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['is empty', ''],
    ['is truncated', '{"version":1,"entries":[{"kind":"bri'],
    ['has another version', '{"version":2,"entries":[]}'],
    ['has an entry without a name', '{"version":1,"entries":[{"kind":"bridge"}]}'],
    ['has unknown members', '{"version":1,"entries":[],"extra":1}'],
    ['is a list', '[]'],
  ])('rejects a file that %s, and never replaces it', async (_, text) => {
    await writeFile(path(), text);
    const ledger = fileLedger(path());
    for (const work of [
      () => ledger.list(),
      () => ledger.has(bridge),
      () => ledger.add(bridge),
      () => ledger.delete(bridge),
    ]) {
      await expect(work()).rejects.toMatchObject({
        code: 'MOBYVM_STATE_FILE',
        message: expect.stringContaining(path()) as string,
        remedy: expect.stringContaining('from a backup') as string,
      });
    }
    expect(await readFile(path(), 'utf8')).toBe(text);
  });

  test('works again once the file is repaired', async () => {
    await writeFile(path(), 'broken');
    const ledger = fileLedger(path());
    await expect(ledger.add(bridge)).rejects.toThrow();
    await rm(path());
    await ledger.add(bridge);
    expect(await ledger.has(bridge)).toBe(true);
  });
});
