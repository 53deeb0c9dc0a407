import { blockersIn, usesForwarding, type Blocker } from './blockers.plan.js';
import { listNft } from './nft.js';
import type { NftListing } from './nft.codec.js';
import { rulesTable } from './rules.plan.js';

/**
 * What other nftables tables (Docker, ufw, firewalld) may drop of the VM's traffic. Does not see the tables
 * of iptables-legacy.
 */
export async function findBlockers(bridge: string, signal: AbortSignal): Promise<readonly Blocker[]> {
  const tables = await foreignTables(bridge, signal);
  return tables.flatMap((listing) => blockersIn(listing, bridge));
}

/** True if other programs' rules deal with forwarded packets. */
export async function isForwardingNeededByOthers(bridge: string, signal: AbortSignal): Promise<boolean> {
  return (await foreignTables(bridge, signal)).some(usesForwarding);
}

/** Other programs' tables with a chain that forwarded or incoming packets pass. */
async function foreignTables(bridge: string, signal: AbortSignal): Promise<readonly NftListing[]> {
  const own = rulesTable(bridge);
  const { chains } = await listNft(['chains'], signal);
  const tables = chains
    .filter(({ hook }) => ['input', 'forward', 'postrouting'].includes(hook ?? ''))
    .filter(({ family, table }) => family !== own.family || table !== own.name)
    .map(({ family, table }) => `${family} ${table}`);
  const listings: NftListing[] = [];
  for (const table of new Set(tables)) listings.push(await listNft(['table', ...table.split(' ')], signal));
  return listings;
}
