import type { EnsureContext, Resource } from '../../../core/host/index.js';
import { MobyvmError } from '../../../core/values/index.js';
import {
  planBridge,
  wrongBridgeFields,
  type BridgeField,
  type BridgeFound,
  type BridgeWanted,
} from './bridge.plan.js';
import { changeIp, listLinks } from './ip.js';
import type { HostLink } from './ip.codec.js';
import {
  applySettings,
  forwardDelaySetting,
  ipv6OffSetting,
  isIpv6Off,
  macSetting,
  readIpv6,
  spanningTreeSetting,
  tagSetting,
  upSetting,
  type LinkSetting,
} from './link-settings.js';
import type { Owner } from './owner.js';

/** The bridge that the VM's tap hangs on: tagged as ours, with a MAC of its own, without spanning tree and IPv6. */
export function bridge(name: string, owner: Owner): Resource<BridgeWanted, BridgeFound> {
  const entry = { kind: 'bridge', name };

  async function observe(signal: AbortSignal): Promise<BridgeFound | undefined> {
    const link = findLink(await listLinks(signal), name);
    if (link === undefined) return undefined;
    const ownership = await owner.judge(entry, link.alias);
    return { link, ipv6Off: isIpv6Off(await readIpv6(link.name)), ownership };
  }

  async function mend(found: BridgeFound, wanted: BridgeWanted, context: SettingContext): Promise<void> {
    const { link } = found;
    const settings: Readonly<Record<BridgeField, LinkSetting>> = {
      tag: tagSetting(link, owner.tag),
      mac: macSetting(link, wanted.mac),
      'spanning-tree': spanningTreeSetting(link),
      'forward-delay': forwardDelaySetting(link),
      ipv6: ipv6OffSetting(link.name, await readIpv6(link.name)),
      up: upSetting(link),
    };
    const fields = wrongBridgeFields(found, owner.tag, wanted);
    await applySettings(
      fields.map((field) => settings[field]),
      context,
    );
  }

  return {
    id: 'network-bridge',
    title: `bridge ${name}`,
    observe: ({ signal }) => observe(signal),
    plan: (found, wanted) => planBridge(name, owner.tag, found, wanted),
    async ensure(wanted, found, context) {
      planBridge(name, owner.tag, found, wanted);
      if (found !== undefined) return mend(found, wanted, context);
      context.onFailure(await owner.remember(entry));
      await changeIp('link', 'add', 'name', name, 'address', wanted.mac, 'type', 'bridge');
      context.onFailure(() => deleteLink(name));
      const made = await observe(context.signal);
      if (made === undefined) throw vanished(name);
      // Deleting it undoes whatever is set on it.
      await mend(made, wanted, { signal: context.signal, onFailure: () => undefined });
    },
    async remove({ signal }) {
      const found = await observe(signal);
      if (found?.ownership === 'ours') await deleteLink(name);
      await owner.forget(entry);
    },
  };
}

export type SettingContext = Pick<EnsureContext, 'signal' | 'onFailure'>;

export function findLink(links: readonly HostLink[], name: string): HostLink | undefined {
  return links.find((link) => link.name === name || link.altNames.includes(name));
}

export function deleteLink(name: string): Promise<void> {
  return changeIp('link', 'delete', 'dev', name);
}

export function vanished(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_PROGRAM_FAILED',
    `The network device "${name}" was made and is gone again: another program removes or renames it.`,
    'Look for a network manager (NetworkManager, systemd-networkd, udev rules) that claims new devices, and exclude it.',
  );
}
