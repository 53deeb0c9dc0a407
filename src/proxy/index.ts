export * from './dhcp/index.js';
export * from './dns/index.js';
export * from './engine/index.js';
export * from './port/index.js';
