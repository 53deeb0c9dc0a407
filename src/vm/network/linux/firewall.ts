import { createHash } from 'node:crypto';
import type { Resource, StepContext } from '../../../core/host/index.js';
import { textOf, type Change } from '../../../core/values/index.js';
import { findBlockers } from './blockers.js';
import { changeNft, listNft, listTable } from './nft.js';
import type { NftListing } from './nft.codec.js';
import { foreignObject, type Ownership } from '../ownership.plan.js';
import type { Owner } from './owner.js';
import {
  dropTable,
  readSeal,
  readTag,
  replaceTable,
  restoreTable,
  rulesTable,
  sealedText,
  sealTable,
  type RulesWanted,
  type Seal,
} from './rules.plan.js';

export interface FirewallFound {
  readonly ownership: Ownership;
  readonly tag: string | undefined;
  readonly seal: Seal | undefined;
  /** The hash of the current listing; differs from the seal's if the table was changed. */
  readonly listedHash: string;
  readonly listing: NftListing;
}

/**
 * Our nftables table: masquerading, and which traffic is allowed. It is replaced as a whole whenever the
 * settings or its content have changed since it was loaded.
 */
export function firewall(bridge: string, owner: Owner): Resource<RulesWanted, FirewallFound> {
  const table = rulesTable(bridge);
  const entry = { kind: 'nft-table', name: `${table.family} ${table.name}` };

  async function observe(signal?: AbortSignal): Promise<FirewallFound | undefined> {
    const listing = await listTable(table, signal);
    if (listing === undefined) return undefined;
    const tag = readTag(listing);
    return {
      ownership: await owner.judge(entry, tag),
      tag,
      seal: readSeal(listing),
      listedHash: hashOf(sealedText(listing)),
      listing,
    };
  }

  return {
    id: 'network-firewall',
    title: `nftables table ${entry.name}`,
    observe: ({ signal }) => observe(signal),
    plan: (found, wanted) => plan(entry.name, owner.tag, found, wanted),
    async ensure(wanted, found, context) {
      plan(entry.name, owner.tag, found, wanted);
      context.onFailure(await owner.remember(entry));
      await changeNft(replaceTable(wanted, owner.tag));
      context.onFailure(() =>
        changeNft(found === undefined ? dropTable(table) : restoreTable(table, found.listing)),
      );
      const loaded = await observe(context.signal);
      await changeNft([
        sealTable(table, { wanted: wantedHash(owner.tag, wanted), listed: loaded?.listedHash ?? '0' }),
      ]);
      await reportBlockers(bridge, owner, context);
    },
    async remove({ signal }) {
      const isOurs = (await observe(signal))?.ownership === 'ours';
      if (isOurs) await changeNft(dropTable(table));
      await owner.forget(entry);
      return isOurs ? 'remove' : 'none';
    },
  };
}

/** Whether the table exists, whatever is in it: one short program, for a look that is taken often. */
export async function hasRules(bridge: string, signal: AbortSignal): Promise<boolean> {
  const { family, name } = rulesTable(bridge);
  const { tables } = await listNft(['tables'], signal);
  return tables.some((table) => table.family === family && table.name === name);
}

function plan(name: string, tag: string, found: FirewallFound | undefined, wanted: RulesWanted): Change {
  if (found === undefined) return { kind: 'create' };
  if (found.ownership === 'foreign') {
    throw foreignObject(`nftables table "${name}"`, {
      tag: found.tag,
      removal: `nft delete table ${name}`,
    });
  }
  if (found.seal?.listed !== found.listedHash)
    return { kind: 'replace', reason: 'changed by another program' };
  return found.seal.wanted === wantedHash(tag, wanted)
    ? { kind: 'none' }
    : { kind: 'replace', reason: 'settings changed' };
}

/**
 * A drop in any chain is final, so what other tables drop is reported; changing them is not mobyvm's
 * business. Rules that cannot be parsed are no reason to leave the VM without a network.
 */
async function reportBlockers(bridge: string, owner: Owner, context: StepContext): Promise<void> {
  try {
    for (const { chain, problem, remedy } of await findBlockers(bridge, context.signal)) {
      context.progress(`${problem} ${remedy}`);
      owner.logger.warn('network.firewall.blocked', { chain, problem, remedy });
    }
  } catch (error) {
    context.signal.throwIfAborted();
    owner.logger.warn('network.firewall.unreadable', { reason: textOf(error) });
  }
}

function wantedHash(tag: string, wanted: RulesWanted): string {
  return hashOf(JSON.stringify(replaceTable(wanted, tag)));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
