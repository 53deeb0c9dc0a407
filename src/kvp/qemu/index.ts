export { QemuKvpExchange, type KvpItemStore, type QemuKvpOptions } from './qemu-kvp-exchange.js';
export type { KvpSocketTiming } from './kvp-socket.js';
