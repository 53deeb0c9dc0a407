import { open } from 'node:fs/promises';
import type { Resource } from '../../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../../core/values/index.js';
import { deleteLink, findLink, vanished, type SettingContext } from './bridge.js';
import { changeIp, listLinks } from './ip.js';
import {
  applySettings,
  ipv6OffSetting,
  isIpv6Off,
  masterSetting,
  readIpv6,
  tagSetting,
  upSetting,
  type LinkSetting,
} from './link-settings.js';
import type { Owner } from './owner.js';
import { planTap, wrongTapFields, type TapField, type TapFound, type TapWanted } from './tap.plan.js';

const TUN_DEVICE = '/dev/net/tun';

/** The VM's network cable: a tap device that outlives QEMU, plugged into the bridge. */
export function tap(name: string, owner: Owner, tunDevice = TUN_DEVICE): Resource<TapWanted, TapFound> {
  const entry = { kind: 'tap', name };

  async function observe(signal: AbortSignal): Promise<TapFound | undefined> {
    const link = findLink(await listLinks(signal), name);
    if (link === undefined) return undefined;
    const ownership = await owner.judge(entry, link.alias);
    return { link, ipv6Off: isIpv6Off(await readIpv6(link.name)), ownership };
  }

  async function mend(found: TapFound, wanted: TapWanted, context: SettingContext): Promise<void> {
    const { link } = found;
    const settings: Readonly<Record<TapField, LinkSetting>> = {
      tag: tagSetting(link, owner.tag),
      ipv6: ipv6OffSetting(link.name, await readIpv6(link.name)),
      bridge: masterSetting(link, wanted.bridge),
      up: upSetting(link),
    };
    const fields = wrongTapFields(found, owner.tag, wanted);
    await applySettings(
      fields.map((field) => settings[field]),
      context,
    );
  }

  return {
    id: 'network-tap',
    title: `tap device ${name}`,
    observe: ({ signal }) => observe(signal),
    plan: (found, wanted) => planTap(name, owner.tag, found, wanted),
    async ensure(wanted, found, context) {
      planTap(name, owner.tag, found, wanted);
      if (found !== undefined) return mend(found, wanted, context);
      await checkTunDevice(tunDevice);
      context.onFailure(await owner.remember(entry));
      await changeIp('tuntap', 'add', 'dev', name, 'mode', 'tap');
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

/** Opening the device makes nothing; it only shows whether the kernel can. @throws MobyvmError MOBYVM_TUN_MISSING */
async function checkTunDevice(path: string): Promise<void> {
  try {
    await (await open(path, 'r+')).close();
  } catch (cause) {
    const errno = errnoOf(cause) ?? 'an unknown error';
    const remedy: Readonly<Record<string, string>> = {
      ENOENT: `Load the driver with "modprobe tun". In a container, give it the device (--device ${TUN_DEVICE}), or make it: mkdir -p /dev/net && mknod ${TUN_DEVICE} c 10 200`,
      EPERM: `In a container, allow the device: --device ${TUN_DEVICE} --cap-add NET_ADMIN`,
      EACCES: 'Run mobyvm as root.',
    };
    throw new MobyvmError(
      'MOBYVM_TUN_MISSING',
      `${path} cannot be opened (${errno}): without it there is no network device for the VM.`,
      remedy[errno] ?? 'Load the driver with "modprobe tun"; the kernel needs CONFIG_TUN.',
      { cause, details: { path } },
    );
  }
}
