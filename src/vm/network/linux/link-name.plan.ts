import { MobyvmError } from '../../../core/values/index.js';

/** Linux's IFNAMSIZ without the closing zero. */
const MAX_LENGTH = 15;
const TAP_SUFFIX = '-t0';

/** @throws MobyvmError MOBYVM_SETTINGS when Linux would not take it as an interface name, or it could be read as an option */
export function checkBridgeName(name: string): string {
  if (name.length > MAX_LENGTH || !/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name)) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `"${name.slice(0, 80)}" cannot be the name of a bridge.`,
      `Set network.bridge to 1 to ${MAX_LENGTH} letters, digits, "-", "_" or ".", with a letter first, for example mobyvm0.`,
    );
  }
  return name;
}

/** The tap device of a bridge: `mobyvm0` has `mobyvm0-t0`. */
export function tapNameOf(bridge: string): string {
  return `${bridge.slice(0, MAX_LENGTH - TAP_SUFFIX.length)}${TAP_SUFFIX}`;
}

/** The bridge of a tap device that {@link tapNameOf} named; undefined for any other name, and where a long one was cut. */
export function bridgeOfTap(tap: string): string | undefined {
  const bridge = tap.endsWith(TAP_SUFFIX) ? tap.slice(0, -TAP_SUFFIX.length) : '';
  return bridge === '' || tap.length === MAX_LENGTH ? undefined : bridge;
}

/** The nftables table of a bridge. nft's own grammar knows no "-" in names, and people must be able to type it. */
export function tableNameOf(bridge: string): string {
  return `mobyvm_${bridge.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
}
