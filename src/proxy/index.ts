export * from './dhcp/index.js';
export * from './dns/index.js';
export * from './engine/index.js';
export * from './port/index.js';
export { ownerText } from './bind-error.js';
export { joinHostPort, type Endpoint } from './endpoint.js';
export type { BindFailure, BoundSocket, PortAddress, PortFacts, PortOwner, Protocol } from './port-facts.js';
