export * from './console/index.js';
export { definitionFile, setAsideUnreadable } from './definition.js';
export * from './driver.js';
export * from './hyperv/index.js';
export * from './network/index.js';
export * from './qemu/index.js';
export * from './stalled.js';
