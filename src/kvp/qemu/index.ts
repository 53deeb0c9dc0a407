export type { KvpItemStore, StoredItems } from './item-store.js';
export { MAX_REMOVALS } from './own-items.js';
export { QemuKvpExchange, type QemuKvpOptions } from './qemu-kvp-exchange.js';
export type { KvpSocketTiming } from './kvp-socket.js';
