import { readFile, readlink } from 'node:fs/promises';
import type { Ledger, LedgerEntry, Logger, Undo } from '../../../core/host/index.js';
import { keyOf } from '../../../core/host/index.js';
import { ownershipOf, tagOf, type Ownership } from '../ownership.plan.js';

/** On whose behalf the host's network is changed: the tag that our objects carry, and where they are remembered. */
export interface Owner {
  readonly tag: string;
  readonly logger: Logger;
  /** Whether an object of that kind and name, carrying `tag`, is ours. */
  judge(entry: LedgerEntry, tag: string | undefined): Promise<Ownership>;
  /** Writes the ledger entry; to be called before the object is made. Resolves to what puts the ledger back. */
  remember(entry: LedgerEntry): Promise<Undo>;
  /** Deletes the ledger entry; to be called after the object is gone. */
  forget(entry: LedgerEntry): Promise<void>;
  /** Everything of that kind in the ledger, of earlier boots as well. */
  recorded(kind: string): Promise<readonly LedgerEntry[]>;
  /** True when the ledger has it for this boot and namespace. */
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

/** The boot and the network namespace that we live in: devices, addresses and rules end with either of them. */
async function readScope(): Promise<string> {
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/net'),
  ]);
  return `${boot.trim()} ${namespace}`;
}
