import { MobyvmError } from '../../../core/values/index.js';

/** IFNAMSIZ in linux/if.h, without the terminating NUL. */
const MAX_LENGTH = 15;
const TAP_SUFFIX = '-t0';

/**
 * @throws MobyvmError MOBYVM_SETTINGS if it is not a valid interface name, or could be mistaken for an option
 */
export function checkBridgeName(name: string): string {
  if (name.length > MAX_LENGTH || !/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name)) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `"${name.slice(0, 80)}" is not a valid bridge name.`,
      `Set network.bridge to 1 to ${MAX_LENGTH} letters, digits, "-", "_" or ".", starting with a letter, for example mobyvm0.`,
    );
  }
  return name;
}

/** The tap device of a bridge, for example `mobyvm0-t0` for `mobyvm0`. */
export function tapNameOf(bridge: string): string {
  return `${bridge.slice(0, MAX_LENGTH - TAP_SUFFIX.length)}${TAP_SUFFIX}`;
}

/**
 * The bridge of a tap device named by {@link tapNameOf}; undefined for other names and for truncated ones.
 */
export function bridgeOfTap(tap: string): string | undefined {
  const bridge = tap.endsWith(TAP_SUFFIX) ? tap.slice(0, -TAP_SUFFIX.length) : '';
  return bridge === '' || tap.length === MAX_LENGTH ? undefined : bridge;
}

/** The nftables table of a bridge. nft does not allow "-" in names, and people must be able to type it. */
export function tableNameOf(bridge: string): string {
  return `mobyvm_${bridge.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
}
