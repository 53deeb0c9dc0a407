import type { LedgerEntry } from '../core/host/index.js';

/** What `down` keeps for the next `up`: the definition of a VM in Hyper-V and the account that shares belong to. */
const KEPT_KINDS: readonly string[] = ['hyperv-vm', 'local-account'];

/** How many entries of the ledger `mobyvm down` would remove. */
export function leftoversIn(entries: readonly Pick<LedgerEntry, 'kind'>[]): number {
  return entries.filter(({ kind }) => !KEPT_KINDS.includes(kind)).length;
}
