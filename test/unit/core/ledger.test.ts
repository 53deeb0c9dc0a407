import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
  it('has what was added and not yet deleted', async () => {
    const ledger = make();
    expect(await ledger.list()).toEqual([]);
    await ledger.add(bridge);
    await ledger.add(tap);
    expect(await ledger.has({ kind: 'tap', name: 'mobyvm0-t0' })).toBe(true);
    expect(await ledger.has({ kind: 'bridge', name: 'mobyvm0-t0' })).toBe(false);
    await ledger.delete(bridge);
    expect(await ledger.list()).toEqual([tap]);
  });

  it('holds an entry once, with the latest detail', async () => {
    const ledger = make();
    await ledger.add(tap);
    await ledger.add({ ...tap, detail: 'boot 2' });
    expect(await ledger.list()).toEqual([{ ...tap, detail: 'boot 2' }]);
  });

  it('bears deleting what it does not have', async () => {
    const ledger = make();
    await ledger.delete(bridge);
    expect(await ledger.list()).toEqual([]);
  });

  it('loses nothing when many add at once', async () => {
    const ledger = make();
    const entries = Array.from({ length: 30 }, (__, n) => ({ kind: 'address', name: `${n}` }));
    await Promise.all(entries.map((entry) => ledger.add(entry)));
    expect((await ledger.list()).map(keyOf).sort()).toEqual(entries.map(keyOf).sort());
  });
});

describe('fileLedger', () => {
  const path = (): string => join(folder, 'ledger.json');

  it('outlives its object', async () => {
    await fileLedger(path()).add(tap);
    expect(await fileLedger(path()).list()).toEqual([tap]);
  });

  it('sees what another one wrote meanwhile', async () => {
    const [mine, theirs] = [fileLedger(path()), fileLedger(path())];
    await mine.add(bridge);
    await theirs.add(tap);
    expect(await mine.list()).toEqual([bridge, tap]);
  });

  it('writes readable JSON for its owner only, and leaves no other file', async () => {
    await fileLedger(path()).add(bridge);
    expect(JSON.parse(await readFile(path(), 'utf8'))).toEqual({ version: 1, entries: [bridge] });
    expect(await readdir(folder)).toEqual(['ledger.json']);
  });

  it('has no file when it is empty', async () => {
    const ledger = fileLedger(path());
    await ledger.add(bridge);
    await ledger.delete(bridge);
    expect(await readdir(folder)).toEqual([]);
  });

  it('makes no file by being asked', async () => {
    const ledger = fileLedger(path());
    await ledger.has(bridge);
    await ledger.delete(bridge);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['is empty', ''],
    ['is cut off', '{"version":1,"entries":[{"kind":"bri'],
    ['is of another version', '{"version":2,"entries":[]}'],
    ['has an entry without a name', '{"version":1,"entries":[{"kind":"bridge"}]}'],
    ['has members that we do not know', '{"version":1,"entries":[],"extra":1}'],
    ['is a list', '[]'],
  ])('refuses a file that %s, and never replaces it', async (_, text) => {
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
        remedy: expect.stringContaining('good copy') as string,
      });
    }
    expect(await readFile(path(), 'utf8')).toBe(text);
  });

  it('works again once the file was mended', async () => {
    await writeFile(path(), 'broken');
    const ledger = fileLedger(path());
    await expect(ledger.add(bridge)).rejects.toThrow();
    await rm(path());
    await ledger.add(bridge);
    expect(await ledger.has(bridge)).toBe(true);
  });
});
