export { applyConfiguration, type ApplyConfigurationOptions } from './guest/apply-configuration.js';
export { decodeGuestConfiguration, type GuestConfiguration } from './guest/configuration.codec.js';
export { decodeDiskUse, encodeDiskUse, type DiskUse } from './guest/disk-use.codec.js';
export { checkItem, checkSettings } from './exchange.js';
export type { KvpExchange, KvpItem, KvpListing, KvpPool, KvpSetting } from './exchange.js';
export type { GuestPresence } from './guest/guest-presence.codec.js';
export { askGuest, guestPresence, removeLeftRequests } from './guest/guest-request.js';
export type { GuestRequest, GuestRequestOptions } from './guest/guest-request.js';
export type { GuestResult } from './guest/guest-result.codec.js';
export type { IpInfo } from './wire/ip-info.codec.js';
export { MAX_HOST_ITEMS } from './wire/limits.js';
export {
  DISK_NAME,
  isRequestName,
  isReservedName,
  RESERVED_PREFIX,
  shareRequestName,
} from './guest/names.js';
export { decodePoolFile, type PoolRecord } from './wire/pool-file.codec.js';
export { encodeShareRequest } from './guest/share-request.codec.js';
export type { MountRequest, ShareRequest, UmountRequest } from './guest/share-request.codec.js';
export { flushGuestDisk } from './guest/flush-guest-disk.js';
export { decodeClockRequest, MOST_ADJUSTED_MS } from './guest/clock-request.codec.js';
export { measureGuestClock, type ClockMeasurement } from './guest/measure-guest-clock.js';
export { syncGuestTime, type SyncGuestTimeOptions } from './guest/sync-guest-time.js';
export {
  decodeTimeRequest,
  encodeTimeAnswer,
  type TimeAnswer,
  type TimeRequest,
} from './guest/time-request.codec.js';
export { waitForItem, type AwaitedItem } from './guest/wait-for-item.js';
export * from './hyperv/index.js';
export * from './qemu/index.js';
export { readItems } from './hyperv/read-items.js';
