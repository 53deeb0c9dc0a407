import type { EnsureContext } from '../../../core/host/index.js';
import type { Mac } from '../../../core/values/index.js';
import { changeIp } from './ip.js';
import type { HostLink } from './ip.codec.js';
import { readSysctl, writeSysctl } from './sysctl.js';

/** One property of a link: how to set it, and how to restore its previous value. */
export interface LinkSetting {
  readonly apply: () => Promise<void>;
  readonly revert: () => Promise<void>;
}

/** Applies settings in order; each one is reverted if the setup fails later. */
export async function applySettings(
  settings: readonly LinkSetting[],
  { signal, onFailure }: Pick<EnsureContext, 'signal' | 'onFailure'>,
): Promise<void> {
  for (const { apply, revert } of settings) {
    signal.throwIfAborted();
    await apply();
    onFailure(revert);
  }
}

export function tagSetting(link: HostLink, tag: string): LinkSetting {
  return linkSetting(link, ['alias', tag], ['alias', link.alias ?? '']);
}

export function macSetting(link: HostLink, mac: Mac): LinkSetting {
  return linkSetting(link, ['address', mac], ['address', link.mac ?? mac]);
}

export function masterSetting(link: HostLink, bridge: string): LinkSetting {
  return linkSetting(
    link,
    ['master', bridge],
    link.master === undefined ? ['nomaster'] : ['master', link.master],
  );
}

export function upSetting(link: HostLink): LinkSetting {
  return linkSetting(link, ['up'], ['down']);
}

/**
 * Turns off the spanning tree: one VM makes no loop. Comes before the forward delay, which cannot be 0 with
 * it.
 */
export function spanningTreeSetting(link: HostLink): LinkSetting {
  return bridgeSetting(link, 'stp_state', '0', link.stp === true ? '1' : '0');
}

/** No forward delay: the guest's first DHCP request must not be lost. */
export function forwardDelaySetting(link: HostLink): LinkSetting {
  return bridgeSetting(link, 'forward_delay', '0', String(link.forwardDelay ?? 0));
}

export interface Ipv6State {
  readonly disabled: string | undefined;
  readonly acceptRa: string | undefined;
}

/** A value is undefined if the kernel has no IPv6. */
export async function readIpv6(device: string): Promise<Ipv6State> {
  const [disabled, acceptRa] = await Promise.all([
    readSysctl(['ipv6', 'conf', device, 'disable_ipv6']),
    readSysctl(['ipv6', 'conf', device, 'accept_ra']),
  ]);
  return { disabled, acceptRa };
}

export function isIpv6Off({ disabled, acceptRa }: Ipv6State): boolean {
  return (disabled ?? '1') === '1' && (acceptRa ?? '0') === '0';
}

/** No IPv6 with the guest: otherwise both sides have link-local addresses that our rules do not cover. */
export function ipv6OffSetting(device: string, found: Ipv6State): LinkSetting {
  const set = async (disabled: string | undefined, acceptRa: string | undefined): Promise<void> => {
    if (found.disabled === undefined || found.acceptRa === undefined) return;
    await writeSysctl(['ipv6', 'conf', device, 'accept_ra'], acceptRa ?? '0');
    await writeSysctl(['ipv6', 'conf', device, 'disable_ipv6'], disabled ?? '1');
  };
  return { apply: () => set('1', '0'), revert: () => set(found.disabled, found.acceptRa) };
}

function bridgeSetting(link: HostLink, setting: string, wanted: string, before: string): LinkSetting {
  return linkSetting(link, ['type', 'bridge', setting, wanted], ['type', 'bridge', setting, before]);
}

function linkSetting({ name }: HostLink, wanted: readonly string[], before: readonly string[]): LinkSetting {
  return {
    apply: () => changeIp('link', 'set', 'dev', name, ...wanted),
    revert: () => changeIp('link', 'set', 'dev', name, ...before),
  };
}
