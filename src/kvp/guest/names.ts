/** Prefix of mobyvm's own items. All others belong to the user and are left alone. */
export const RESERVED_PREFIX = 'mobyvm.';

/** Pool 0: the configuration of the guest, see configuration.codec.ts. */
export const CONFIGURATION_NAME = `${RESERVED_PREFIX}config`;

/** Pool 0: the host's time, see time-request.codec.ts. */
export const TIME_NAME = `${RESERVED_PREFIX}time`;

/** Pool 0: asks for what is in the memory to be written to the disk, see flush-guest-disk.ts. */
export const SYNC_NAME = `${RESERVED_PREFIX}sync`;

/** Pool 0: asks for a comparison of the clocks, see clock-request.codec.ts. */
export const CLOCK_NAME = `${RESERVED_PREFIX}clock`;

/** Pool 1: the agent's presence, see guest-presence.codec.ts. */
export const GUEST_NAME = `${RESERVED_PREFIX}guest`;

/** Pool 1: how full the data disk is, see disk-use.codec.ts. */
export const DISK_NAME = `${RESERVED_PREFIX}disk`;

const SHARE_PREFIX = `${RESERVED_PREFIX}share.`;

/** Pool 0: a mount or umount request, see share-request.codec.ts. @param share `[A-Za-z0-9_-]{1,64}` */
export function shareRequestName(share: string): string {
  return SHARE_PREFIX + share;
}

/** Pool 1: the guest's answer to the request of that name. */
export function resultName(requestName: string): string {
  return `${requestName}.result`;
}

/** Pool 0: the parts of a request's body, counted from 0. */
export function chunkName(requestName: string, index: number): string {
  return `${requestName}#${index}`;
}

export function isReservedName(name: string): boolean {
  return name.startsWith(RESERVED_PREFIX);
}

/** True for the header and the chunks of requests, which can carry secrets and are always removed. */
export function isRequestName(name: string): boolean {
  return /^mobyvm\.(?:config|time|sync|clock|share\.[A-Za-z0-9_-]{1,64})(?:#[0-9]{1,2})?$/.test(name);
}
