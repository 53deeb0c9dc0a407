import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { cannotUse, readFileIfPresent, writeFileAtomically } from './atomic-file.js';
import { MobyvmError } from '../values/index.js';
import { keyOf, type Ledger, type LedgerEntry } from './ledger.js';

// Strict: a newer version's file is refused rather than rewritten without what we do not understand.
const LEDGER_FILE = z.strictObject({
  version: z.literal(1),
  entries: z.array(
    z.strictObject({ kind: z.string().min(1), name: z.string().min(1), detail: z.string().exactOptional() }),
  ),
});

/**
 * The ledger in a JSON file, `{"version": 1, "entries": [{kind, name, detail?}]}`. It is read anew for every call, so
 * that a command and a daemon which follow one another see the same; calls of one ledger run one after the other.
 * Two processes must not write at the same time. An empty ledger has no file.
 *
 * A disk without room keeps nothing from being taken away: what was deleted meanwhile is remembered by the object, and
 * the last one to go takes the file with it. If the process dies before, its entries say of things that they were made
 * which are not there any more, as after every crash.
 *
 * A file that cannot be understood is never replaced: emptying it would orphan everything that we made.
 * @throws MobyvmError MOBYVM_STATE_FILE, MOBYVM_DISK_FULL
 */
export function fileLedger(path: string): Ledger {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  let unwritten: readonly LedgerEntry[] = [];
  const current = async (): Promise<readonly LedgerEntry[]> => {
    const written = await readEntries(path);
    return unwritten.length === 0
      ? written
      : written.filter((each) => !unwritten.some((gone) => isSame(each, gone)));
  };
  const write = async (entries: readonly LedgerEntry[]): Promise<void> => {
    if (entries.length === 0) await removeFile(path);
    else await writeFileAtomically(path, `${JSON.stringify({ version: 1, entries }, undefined, 2)}\n`);
    unwritten = [];
  };
  const change = (edit: (entries: readonly LedgerEntry[]) => readonly LedgerEntry[]): Promise<void> =>
    inTurn(async () => {
      const before = await current();
      const after = edit(before);
      if (after !== before) await write(after);
    });
  return {
    has: (entry) => inTurn(async () => (await current()).some((known) => isSame(known, entry))),
    add: (entry) =>
      change((entries) =>
        entries.some((known) => isSame(known, entry) && known.detail === entry.detail)
          ? entries
          : [...entries.filter((known) => !isSame(known, entry)), entry],
      ),
    delete: (entry) =>
      change((entries) => {
        const rest = entries.filter((known) => !isSame(known, entry));
        return rest.length === entries.length ? entries : rest;
      }).catch((error: unknown) => {
        if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_DISK_FULL') throw error;
        unwritten = [...unwritten, entry];
      }),
    list: () => inTurn(current),
  };
}

function isSame(a: LedgerEntry, b: LedgerEntry): boolean {
  return keyOf(a) === keyOf(b);
}

async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw cannotUse(path, error);
  }
}

async function readEntries(path: string): Promise<readonly LedgerEntry[]> {
  const text = await readFileIfPresent(path);
  if (text === undefined) return [];
  try {
    return LEDGER_FILE.parse(JSON.parse(text)).entries;
  } catch (cause) {
    throw new MobyvmError(
      'MOBYVM_STATE_FILE',
      `${path}, where mobyvm remembers what it created on this machine, cannot be understood.`,
      `Put back a good copy of ${path}. If there is none, move it away: mobyvm then starts with an empty list, and what it created before (docs/files.md lists it) is yours to remove.`,
      { cause, details: { path } },
    );
  }
}
