import { blockersIn, usesForwarding, type Blocker } from './blockers.plan.js';
import { listNft } from './nft.js';
import type { NftListing } from './nft.codec.js';
import { rulesTable } from './rules.plan.js';

/**
 * What other nftables tables (Docker's, ufw's, firewalld's) may drop of the VM's traffic. Tables of the old
 * iptables-legacy are not seen.
 */
export async function findBlockers(bridge: string, signal: AbortSignal): Promise<readonly Blocker[]> {
  const tables = await foreignTables(bridge, signal);
  return tables.flatMap((listing) => blockersIn(listing, bridge));
}

/** True when rules other than ours deal with forwarded packets. */
export async function isForwardingNeededByOthers(bridge: string, signal: AbortSignal): Promise<boolean> {
  return (await foreignTables(bridge, signal)).some(usesForwarding);
}

/** The tables of others that have a chain where forwarded or incoming packets pass. */
async function foreignTables(bridge: string, signal: AbortSignal): Promise<readonly NftListing[]> {
  const own = rulesTable(bridge);
  const { chains } = await listNft(['chains'], signal);
  const places = chains
    .filter(({ hook }) => ['input', 'forward', 'postrouting'].includes(hook ?? ''))
    .filter(({ family, table }) => family !== own.family || table !== own.name)
    .map(({ family, table }) => `${family} ${table}`);
  const listings: NftListing[] = [];
  for (const place of new Set(places)) listings.push(await listNft(['table', ...place.split(' ')], signal));
  return listings;
}
