/**
 * Remembers what mobyvm itself created on this machine. Anything not listed is never changed or removed.
 * Entries survive a crash: they are written before the object is created and deleted after it is removed.
 */
export interface Ledger {
  has(entry: LedgerEntry): Promise<boolean>;
  /** Replaces an entry with the same kind and name. */
  add(entry: LedgerEntry): Promise<void>;
  delete(entry: LedgerEntry): Promise<void>;
  list(): Promise<readonly LedgerEntry[]>;
}

export interface LedgerEntry {
  /** For example `bridge`, `nft-table`, `network-namespace`. */
  readonly kind: string;
  /** Name or GUID, unique within its kind on this machine. */
  readonly name: string;
  /** Extra information, for example the boot in which it was created. Not part of the identity. */
  readonly detail?: string;
}

/** An in-memory ledger, for tests. */
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
