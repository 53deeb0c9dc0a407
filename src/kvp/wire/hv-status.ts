/** The HRESULTs that Hyper-V's guest services use (include/uapi/linux/hyperv.h, `HV_S_…` and `HV_E_…`). */
export const HvStatus = {
  ok: 0,
  /** `HV_S_CONT`: no more items, no such item. */
  noMoreItems: 0x8007_0103,
  /** Also: no daemon has registered in the guest. */
  fail: 0x8000_4005,
  notSupported: 0x8007_0032,
  machineLocked: 0x8007_04f7,
  deviceNotConnected: 0x8007_048f,
  invalidArgument: 0x8007_0057,
  guidNotFound: 0x8004_1002,
  alreadyExists: 0x8007_0050,
  diskFullError: 0x8007_0070,
} as const;

const NAMES = new Map<number, string>([
  [HvStatus.ok, 'OK'],
  [HvStatus.noMoreItems, 'no more items'],
  [HvStatus.fail, 'failed'],
  [HvStatus.notSupported, 'not supported'],
  [HvStatus.machineLocked, 'machine locked'],
  [HvStatus.deviceNotConnected, 'device not connected'],
  [HvStatus.invalidArgument, 'invalid argument'],
  [HvStatus.guidNotFound, 'GUID not found'],
  [HvStatus.alreadyExists, 'already exists'],
  [HvStatus.diskFullError, 'disk full'],
]);

export function isKnownStatus(status: number): boolean {
  return NAMES.has(status);
}

/** For example `failed (0x80004005)`. */
export function statusText(status: number): string {
  return `${NAMES.get(status) ?? 'unknown status'} (0x${(status >>> 0).toString(16).padStart(8, '0')})`;
}
