export * from './dhcp/index.js';
export * from './dns/index.js';
export * from './engine/index.js';
export * from './port/index.js';
export { boundSockets, portOwner, type BoundSocket, type PortOwner } from './port-owner.js';
