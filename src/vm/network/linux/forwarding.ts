import type { Resource } from '../../../core/host/index.js';
import { textOf, type Change } from '../../../core/values/index.js';
import { isForwardingNeededByOthers } from './blockers.js';
import type { Owner } from './owner.js';
import { readSysctl, writeSysctl } from './sysctl.js';

const SETTING = ['ipv4', 'ip_forward'];

/** The kernel forwards IPv4 packets between interfaces, or not. */
export interface ForwardingFound {
  readonly isOn: boolean;
}

/**
 * `net.ipv4.ip_forward`, for the whole namespace. The per-interface settings would not do: the kernel asks the interface
 * by which a packet comes in, answers come in by whichever uplink the host has just then, and uplinks come and go.
 *
 * The ledger remembers that it was off and that we switched it on, in this boot. `remove` switches it off again only then, and
 * only if no other table deals with forwarded packets: Docker, libvirt or a VPN that was started later found it on and
 * never said that it needs it.
 */
export function forwarding(bridge: string, owner: Owner): Resource<ForwardingFound, ForwardingFound> {
  const entry = { kind: 'sysctl', name: `net.${SETTING.join('.')}` };
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
      context.progress(
        `${entry.name} was off and is on now, for every device of the host, or of the namespace`,
      );
      owner.logger.info('network.forwarding.enabled');
    },
    async remove({ signal, progress }) {
      if (await owner.made(entry)) {
        const isNeeded = await isForwardingNeededByOthers(bridge, signal).catch((error: unknown) => {
          signal.throwIfAborted();
          owner.logger.warn('network.firewall.unreadable', { reason: textOf(error) });
          return true;
        });
        if (isNeeded) {
          progress(`${entry.name} stays on: other firewall rules deal with forwarded packets`);
        } else {
          await writeSysctl(SETTING, '0');
        }
      }
      await owner.forget(entry);
    },
  };
}
