import { z } from 'zod';
import { readFileIfPresent, removeFile, writeFileAtomically } from './atomic-file.js';
import { MobyvmError } from '../values/index.js';
import { keyOf, type Ledger, type LedgerEntry } from './ledger.js';

// Strict: a file from a newer version is rejected rather than rewritten without the parts we do not
// understand.
const LEDGER_FILE = z.strictObject({
  version: z.literal(1),
  entries: z.array(
    z.strictObject({ kind: z.string().min(1), name: z.string().min(1), detail: z.string().exactOptional() }),
  ),
});

/**
 * The ledger in a JSON file, `{"version": 1, "entries": [{kind, name, detail?}]}`. The file is read on every
 * call, so that a command and a daemon that run one after the other see the same entries; the calls of one
 * ledger are serialized. Two processes must not write at the same time. An empty ledger has no file.
 *
 * A full disk does not prevent removal: entries that could not be deleted from the file are remembered in
 * memory, and the file is removed with the last one. If the process dies first, the file lists things that no
 * longer exist, as it does after any crash.
 *
 * A file that cannot be parsed is never replaced: emptying it would orphan everything mobyvm created.
 * @throws MobyvmError MOBYVM_STATE_FILE, MOBYVM_DISK_FULL
 */
export function fileLedger(path: string): Ledger {
  let last: Promise<unknown> = Promise.resolve();
  const serialize = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  let pendingDeletes: readonly LedgerEntry[] = [];
  const current = async (): Promise<readonly LedgerEntry[]> => {
    const written = await readEntries(path);
    return pendingDeletes.length === 0
      ? written
      : written.filter((each) => !pendingDeletes.some((gone) => isSame(each, gone)));
  };
  const write = async (entries: readonly LedgerEntry[]): Promise<void> => {
    if (entries.length === 0) await removeFile(path);
    else await writeFileAtomically(path, `${JSON.stringify({ version: 1, entries }, undefined, 2)}\n`);
    pendingDeletes = [];
  };
  const change = (edit: (entries: readonly LedgerEntry[]) => readonly LedgerEntry[]): Promise<void> =>
    serialize(async () => {
      const before = await current();
      const after = edit(before);
      if (after !== before) await write(after);
    });
  return {
    has: (entry) => serialize(async () => (await current()).some((known) => isSame(known, entry))),
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
        pendingDeletes = [...pendingDeletes, entry];
      }),
    list: () => serialize(current),
  };
}

function isSame(a: LedgerEntry, b: LedgerEntry): boolean {
  return keyOf(a) === keyOf(b);
}

async function readEntries(path: string): Promise<readonly LedgerEntry[]> {
  const text = await readFileIfPresent(path);
  if (text === undefined) return [];
  try {
    return LEDGER_FILE.parse(JSON.parse(text)).entries;
  } catch (cause) {
    throw new MobyvmError(
      'MOBYVM_STATE_FILE',
      `${path}, mobyvm's list of what it created on this machine, cannot be parsed.`,
      `Restore ${path} from a backup. Without one, move the file away: mobyvm then starts with an empty list, and you have to remove what it created earlier yourself (see docs/files.md).`,
      { cause, details: { path } },
    );
  }
}
