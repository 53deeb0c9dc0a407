export { startDhcpServer, type DhcpLease, type DhcpServer, type DhcpServerOptions } from './dhcp-server.js';
export type { DhcpConfig, DhcpOffer } from './dhcp-config.js';
export type { LeaseState } from './lease.plan.js';
