/**
 * Remembers what mobyvm itself created on this machine. What does not stand in it is never changed or removed.
 * Entries survive a crash: they are written before the effect and deleted after its removal.
 */
export interface Ledger {
  has(entry: LedgerEntry): Promise<boolean>;
  /** An entry of the same kind and name is replaced. */
  add(entry: LedgerEntry): Promise<void>;
  delete(entry: LedgerEntry): Promise<void>;
  list(): Promise<readonly LedgerEntry[]>;
}

export interface LedgerEntry {
  /** What sort of thing it is, for example `bridge`, `nft-table`, `network-namespace`. */
  readonly kind: string;
  /** Its name or GUID, unique for its kind on this machine. */
  readonly name: string;
  /** What must be remembered with it, for example the boot in which it was made. Not part of its identity. */
  readonly detail?: string;
}

/** A ledger without a file, for tests and for the fake driver. */
export function memoryLedger(): Ledger {
  const entries = new Map<string, LedgerEntry>();
  return {
    has: (entry) => Promise.resolve(entries.has(keyOf(entry))),
    add: (entry) => Promise.resolve(void entries.set(keyOf(entry), entry)),
    delete: (entry) => Promise.resolve(void entries.delete(keyOf(entry))),
    list: () => Promise.resolve([...entries.values()]),
  };
}

export function keyOf(entry: LedgerEntry): string {
  return `${entry.kind}/${entry.name}`;
}
