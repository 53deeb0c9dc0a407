export {
  startDnsServer,
  type Answered,
  type AnsweredBy,
  type DnsServer,
  type DnsServerOptions,
  type DnsStats,
} from './dns-server.js';
export { askServer, type NameAnswer } from './ask-server.js';
export type { UpstreamState, UpstreamStats } from './resolver.js';
export { DEFAULT_PATIENCE, type Patience, type ResolverSource, type Upstream } from './resolver-source.js';
export { hostTable, type HostEntry, type HostsSource, type HostTable } from './host-table.plan.js';
export type { DomainServers } from './routes.plan.js';
