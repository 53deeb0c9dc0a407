import type { Resource } from '../../../core/host/index.js';
import { textOf, type Change } from '../../../core/values/index.js';
import { isForwardingNeededByOthers } from './blockers.js';
import type { Owner } from './owner.js';
import { readSysctl, writeSysctl } from './sysctl.js';

const SETTING = ['ipv4', 'ip_forward'];
/** Of the ledger entry, which exists only if we switched forwarding on. */
const FORWARDING_KIND = 'sysctl';

/** Whether the kernel forwards IPv4 packets between interfaces. */
export interface ForwardingFound {
  readonly isOn: boolean;
}

/**
 * `net.ipv4.ip_forward`, for the whole namespace (https://docs.kernel.org/networking/ip-sysctl.html). The
 * per-interface settings are not enough: the kernel checks the interface on which a packet arrives, answers
 * arrive on the host's current uplink, and uplinks come and go.
 *
 * The ledger records that it was off and that mobyvm turned it on, in this boot. Only then does `remove` turn
 * it off again, and only if no other table deals with forwarded packets: Docker, libvirt or a VPN that
 * started later found it on and rely on it without having said so.
 */
export function forwarding(bridge: string, owner: Owner): Resource<ForwardingFound, ForwardingFound> {
  const entry = { kind: FORWARDING_KIND, name: `net.${SETTING.join('.')}` };
  return {
    id: 'network-forwarding',
    title: `setting ${entry.name}`,
    observe: async () => ({ isOn: (await readSysctl(SETTING)) !== '0' }),
    plan: (found, wanted): Change =>
      found?.isOn === wanted.isOn ? { kind: 'none' } : { kind: 'update', fields: [entry.name] },
    async ensure(_wanted, found, context) {
      if (found?.isOn === true) return;
      context.onFailure(await owner.remember(entry));
      await writeSysctl(SETTING, '1');
      context.onFailure(() => writeSysctl(SETTING, '0'));
      context.progress(`${entry.name} turned on for every interface of this host or network namespace`);
      owner.logger.info('network.forwarding.enabled');
    },
    async remove({ signal, progress }) {
      const wasChanged = await owner.made(entry);
      if (wasChanged) {
        const isNeeded = await isForwardingNeededByOthers(bridge, signal).catch((error: unknown) => {
          signal.throwIfAborted();
          owner.logger.warn('network.firewall.unreadable', { reason: textOf(error) });
          return true;
        });
        if (isNeeded) {
          progress(`${entry.name} left on: other firewall rules handle forwarded packets`);
        } else {
          await writeSysctl(SETTING, '0');
        }
      }
      await owner.forget(entry);
      return wasChanged ? 'remove' : 'none';
    },
  };
}
