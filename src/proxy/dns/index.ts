export { startDnsServer, type DnsServer, type DnsServerOptions, type DnsStats } from './dns-server.js';
export { endpointText, type DnsEndpoint } from './dns-endpoint.js';
export { parseResolvConf, type ResolvConf } from './resolv-conf.codec.js';
export { watchResolvConf, type ResolvConfWatch, type ResolvConfWatchOptions } from './resolv-conf-watch.js';
export type { UpstreamStats } from './resolver.js';
