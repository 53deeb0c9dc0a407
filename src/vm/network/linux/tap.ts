import { open } from 'node:fs/promises';
import type { Resource } from '../../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../../core/values/index.js';
import { changeIp } from './ip.js';
import { linkResource } from './link-resource.js';
import { ipv6OffSetting, masterSetting, tagSetting, upSetting } from './link-settings.js';
import type { LinkFound } from './link.plan.js';
import type { Owner } from './owner.js';
import { planTap, wrongTapFields, type TapWanted } from './tap.plan.js';

const TUN_DEVICE = '/dev/net/tun';

/**
 * The tap device for the VM's network card, a port of the bridge. It is persistent, so it outlives QEMU.
 * See https://docs.kernel.org/networking/tuntap.html.
 */
export function tap(name: string, owner: Owner, tunDevice = TUN_DEVICE): Resource<TapWanted, LinkFound> {
  return linkResource(
    {
      id: 'network-tap',
      title: `tap device ${name}`,
      entry: { kind: 'tap', name },
      plan: (found, wanted: TapWanted) => planTap(name, owner.tag, found, wanted),
      wrongFields: (found, wanted) => wrongTapFields(found, owner.tag, wanted),
      settings: (link, wanted, ipv6) => ({
        tag: tagSetting(link, owner.tag),
        ipv6: ipv6OffSetting(link.name, ipv6),
        bridge: masterSetting(link, wanted.bridge),
        up: upSetting(link),
      }),
      checkHost: () => checkTunDevice(tunDevice),
      create: () => changeIp('tuntap', 'add', 'dev', name, 'mode', 'tap'),
    },
    owner,
  );
}

/**
 * Opening the device creates nothing; it only shows whether it works.
 * @throws MobyvmError MOBYVM_TUN_MISSING
 */
async function checkTunDevice(path: string): Promise<void> {
  try {
    await (await open(path, 'r+')).close();
  } catch (cause) {
    const errno = errnoOf(cause) ?? 'an unknown error';
    const remedy: Readonly<Record<string, string>> = {
      ENOENT: `Load the driver with "modprobe tun". In a container, add the device (--device ${TUN_DEVICE}), or create it: mkdir -p /dev/net && mknod ${TUN_DEVICE} c 10 200`,
      EPERM: `In a container, allow the device: --device ${TUN_DEVICE} --cap-add NET_ADMIN`,
      EACCES: 'Run mobyvm as root.',
    };
    throw new MobyvmError(
      'MOBYVM_TUN_MISSING',
      `Cannot open ${path} (${errno}): the VM's network device needs it.`,
      remedy[errno] ?? 'Load the driver with "modprobe tun"; the kernel needs CONFIG_TUN.',
      { cause, details: { path } },
    );
  }
}
