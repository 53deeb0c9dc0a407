export { startDnsServer, type DnsServer, type DnsServerOptions, type DnsStats } from './dns-server.js';
export type { UpstreamStats } from './resolver.js';
export { DEFAULT_PATIENCE, type Patience, type ResolverSource, type Upstream } from './resolver-source.js';
