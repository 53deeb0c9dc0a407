export { startPortControl, type PortControl, type PortControlOptions } from './control-server.js';
export type { Exposure } from './listen-addresses.plan.js';
export { startLoopbackRelay } from './loopback-relay.js';
export { placeText } from './port-request.js';
export { windowsReservedRange, windowsReservedRanges } from './reserved-range.js';
export type { ExcludedPorts } from './excluded-ports.codec.js';
export { Publisher, type ListedPort, type PublishedPort, type PublisherOptions } from './publisher.js';
