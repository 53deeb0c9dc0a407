import type { LedgerEntry } from '../core/host/index.js';

/** What `down` keeps for the next `up`: the definition of a VM in Hyper-V and the account that shares belong to. */
const KEPT_KINDS: readonly string[] = ['hyperv-vm', 'local-account'];

/** A saved VM in Hyper-V keeps its network: its memory holds its address. */
const KEPT_WHILE_SAVED: readonly string[] = ['vm-switch', 'switch-address', 'nat-network'];

/** How many entries of the ledger `mobyvm down` would remove. */
export function leftoversIn(entries: readonly Pick<LedgerEntry, 'kind'>[], isSaved: boolean): number {
  const kept = isSaved ? [...KEPT_KINDS, ...KEPT_WHILE_SAVED] : KEPT_KINDS;
  return entries.filter(({ kind }) => !kept.includes(kind)).length;
}
