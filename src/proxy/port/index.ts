export { startPortControl, type PortControl, type PortControlOptions } from './control-server.js';
export type { Exposure } from './listen-addresses.plan.js';
export type { OwnServer } from './own-server.js';
export { startLoopbackRelay } from './loopback-relay.js';
export { Publisher, type ListedPort, type PublishedPort, type PublisherOptions } from './publisher.js';
