import type { EnsureContext, LedgerEntry, Resource } from '../../../core/host/index.js';
import { MobyvmError, type Change } from '../../../core/values/index.js';
import { changeIp, listLinks } from './ip.js';
import type { HostLink } from './ip.codec.js';
import { applySettings, isIpv6Off, readIpv6, type Ipv6State, type LinkSetting } from './link-settings.js';
import type { LinkFound } from './link.plan.js';
import type { Owner } from './owner.js';

/** What tells one kind of link from another. */
export interface LinkKind<Wanted, Field extends string> {
  readonly id: string;
  readonly title: string;
  readonly entry: LedgerEntry;
  plan(found: LinkFound | undefined, wanted: Wanted): Change;
  /** The fields to repair, in order. */
  wrongFields(found: LinkFound, wanted: Wanted): readonly Field[];
  settings(link: HostLink, wanted: Wanted, ipv6: Ipv6State): Readonly<Record<Field, LinkSetting>>;
  /** Checks that the host can create the link, before anything is changed. */
  checkHost?(): Promise<void>;
  create(wanted: Wanted): Promise<void>;
}

/** A link as a resource: created if absent, otherwise repaired field by field. */
export function linkResource<Wanted, Field extends string>(
  kind: LinkKind<Wanted, Field>,
  owner: Owner,
): Resource<Wanted, LinkFound> {
  const { entry } = kind;
  const { name } = entry;

  async function observe(signal: AbortSignal): Promise<LinkFound | undefined> {
    const link = findLink(await listLinks(signal), name);
    if (link === undefined) return undefined;
    const ownership = await owner.judge(entry, link.alias);
    return { link, ipv6Off: isIpv6Off(await readIpv6(link.name)), ownership };
  }

  async function repair(found: LinkFound, wanted: Wanted, context: SettingContext): Promise<void> {
    const settings = kind.settings(found.link, wanted, await readIpv6(found.link.name));
    const fields = kind.wrongFields(found, wanted);
    await applySettings(
      fields.map((field) => settings[field]),
      context,
    );
  }

  return {
    id: kind.id,
    title: kind.title,
    observe: ({ signal }) => observe(signal),
    plan: (found, wanted) => kind.plan(found, wanted),
    async ensure(wanted, found, context) {
      kind.plan(found, wanted);
      if (found !== undefined) return repair(found, wanted, context);
      await kind.checkHost?.();
      context.onFailure(await owner.remember(entry));
      await kind.create(wanted);
      context.onFailure(() => deleteLink(name));
      const created = await observe(context.signal);
      if (created === undefined) throw linkVanishedError(name);
      // Deleting the link also undoes all of its settings.
      await repair(created, wanted, { signal: context.signal, onFailure: () => undefined });
    },
    async remove({ signal }) {
      const isOurs = (await observe(signal))?.ownership === 'ours';
      if (isOurs) await deleteLink(name);
      await owner.forget(entry);
      return isOurs ? 'remove' : 'none';
    },
  };
}

type SettingContext = Pick<EnsureContext, 'signal' | 'onFailure'>;

function findLink(links: readonly HostLink[], name: string): HostLink | undefined {
  return links.find((link) => link.name === name || link.altNames.includes(name));
}

function deleteLink(name: string): Promise<void> {
  return changeIp('link', 'delete', 'dev', name);
}

function linkVanishedError(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_PROGRAM_FAILED',
    `The network device "${name}" disappeared right after it was created: another program removes or renames it.`,
    'Look for a network manager (NetworkManager, systemd-networkd, udev rules) that claims new devices, and exclude it.',
  );
}
