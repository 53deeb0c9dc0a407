export { startDnsServer, type DnsServer, type DnsServerOptions, type DnsStats } from './dns-server.js';
export type { ResolverSource, UpstreamStats } from './resolver.js';
