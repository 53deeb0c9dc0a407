export type { Accelerator } from './command-line.plan.js';
export { DATA_DISK_SERIAL, KVP_PORT_NAME } from './command-line.plan.js';
export { qemuPreflight, type QemuPrograms, type QemuVersions } from './preflight.js';
export { QemuDriver } from './qemu-driver.js';
export type { QemuDriverOptions } from './qemu-setup.js';
