import { readFile, readlink } from 'node:fs/promises';
import type { Ledger, LedgerEntry, Logger, Undo } from '../../../core/host/index.js';
import { keyOf } from '../../../core/host/index.js';
import { ownershipOf, tagOf, type Ownership } from '../ownership.plan.js';

/** Who owns the network objects that we create: the tag they carry, and the ledger that records them. */
export interface Owner {
  readonly tag: string;
  readonly logger: Logger;
  /** Whether an object of that kind and name, carrying `tag`, is ours. */
  judge(entry: LedgerEntry, tag: string | undefined): Promise<Ownership>;
  /**
   * Writes the ledger entry; call it before creating the object. Resolves to an undo that restores the
   * ledger.
   */
  remember(entry: LedgerEntry): Promise<Undo>;
  /** Deletes the ledger entry; call it after removing the object. */
  forget(entry: LedgerEntry): Promise<void>;
  /** All ledger entries of that kind, including those from earlier boots. */
  recorded(kind: string): Promise<readonly LedgerEntry[]>;
  /** True if the ledger has an entry for this boot and namespace. */
  made(entry: LedgerEntry): Promise<boolean>;
}

export function ownerOf(machineId: string, ledger: Ledger, logger: Logger): Owner {
  const tag = tagOf(machineId);
  const known = async (entry: LedgerEntry): Promise<LedgerEntry | undefined> =>
    (await ledger.list()).find((other) => keyOf(other) === keyOf(entry));
  const ledgerScope = async (entry: LedgerEntry): Promise<string | undefined> => (await known(entry))?.detail;
  return {
    tag,
    logger,
    judge: async (entry, found) =>
      ownershipOf({ tag: found, ledgerScope: await ledgerScope(entry) }, { tag, scope: await readScope() }),
    remember: async (entry) => {
      const before = await known(entry);
      await ledger.add({ ...entry, detail: await readScope() });
      return () => (before === undefined ? ledger.delete(entry) : ledger.add(before));
    },
    forget: (entry) => ledger.delete(entry),
    recorded: async (kind) => (await ledger.list()).filter((entry) => entry.kind === kind),
    made: async (entry) => (await ledgerScope(entry)) === (await readScope()),
  };
}

/** The current boot and network namespace: devices, addresses and rules disappear with either of them. */
async function readScope(): Promise<string> {
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/net'),
  ]);
  return `${boot.trim()} ${namespace}`;
}
