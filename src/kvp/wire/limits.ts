/**
 * How much an item may hold. The guest's structures count UTF-8 bytes with the final NUL (include/uapi/linux/hyperv.h:
 * 512 and 2048), Hyper-V's wire counts UTF-16 units with theirs (drivers/hv/hv_kvp.c: 512 / 2 and 2048 / 2 towards the
 * guest, two fewer from the guest, silently cut). A text has to fit both.
 */
export const MAX_KEY_BYTES = 511;
export const MAX_VALUE_BYTES = 2_047;

export type Direction = 'to-guest' | 'to-host';

export const MAX_UNITS: Readonly<Record<Direction, { readonly key: number; readonly value: number }>> = {
  'to-guest': { key: 255, value: 1_023 },
  'to-host': { key: 254, value: 1_022 },
};

/** Items in one AddKvpItems, ModifyKvpItems or RemoveKvpItems call ([MS] AddKvpItems, parameter DataItems). */
export const MAX_ITEMS_PER_CALL = 128;

/**
 * Items that the host sets. Each costs about 40 ms of an emulated guest after each boot, and its agent reads all of them
 * at each change.
 */
export const MAX_HOST_ITEMS = 500;

/** More items than this in one pool are not read: the guest is not trusted to stop. */
export const MAX_LISTED_ITEMS = 10_000;
