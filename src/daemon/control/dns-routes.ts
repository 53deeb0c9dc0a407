import { MobyvmError } from '../../core/values/index.js';
import { askServer, joinHostPort, type AnsweredBy, type DnsServer } from '../../proxy/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import type { DnsAnswer, DnsStatus } from '../../protocol/dns-messages.js';
import { endpoint, type Endpoint } from './endpoint.js';

/** The DNS server while the machine has one. */
export type CurrentDns = () => DnsServer | undefined;

/** What is asked about DNS. @throws MobyvmError MOBYVM_DNS_SERVER while there is no server */
export function dnsEndpoints(current: CurrentDns): readonly Endpoint[] {
  return [
    endpoint(ROUTES.dnsStatus, () => dnsStatusOf(current)),
    endpoint(ROUTES.dnsQuery, async ({ body: { name, type } }) => {
      const answer = await askServer(serverOf(current), name, type);
      return { ...answer, answers: [...answer.answers], answeredBy: toWire(answer.answeredBy) };
    }),
  ];
}

/** @throws MobyvmError MOBYVM_DNS_SERVER while there is no server */
export function dnsStatusOf(current: CurrentDns): DnsStatus {
  return statusOf(serverOf(current));
}

function serverOf(current: CurrentDns): DnsServer {
  const server = current();
  if (server !== undefined) return server;
  throw new MobyvmError(
    'MOBYVM_DNS_SERVER',
    'The DNS server is not running: it starts and ends with the VM.',
    'Start the VM with `mobyvm up`.',
  );
}

function toWire(by: AnsweredBy): DnsAnswer['answeredBy'] {
  if (by.kind !== 'upstream') return by;
  const { endpoint, domain } = by;
  const server = joinHostPort(endpoint.address, endpoint.port);
  return { kind: 'upstream', server, ...(domain === undefined ? {} : { domain }) };
}

export function dnsQueriesOf(server: DnsServer): DnsStatus['queries'] {
  const { queries, outstanding, servfails, refused, dropped } = server.stats();
  return { total: queries, waiting: outstanding, failed: servfails, refused, dropped };
}

function statusOf(server: DnsServer): DnsStatus {
  const { cache, ...stats } = server.stats();
  return {
    servers: server.servers().map(({ endpoint, domain, isLastResort, isFailing, ...health }) => ({
      server: joinHostPort(endpoint.address, endpoint.port),
      ...(domain === undefined ? {} : { domain }),
      isLastResort,
      state: isFailing ? 'failing' : health.sent === 0 ? 'untried' : 'ok',
      ...(health.latencyMs === undefined ? {} : { latencyMs: Math.round(health.latencyMs * 10) / 10 }),
      sent: health.sent,
      answered: health.answered,
      failed: health.failed,
      ...(health.lastFailureMs === undefined
        ? {}
        : { lastFailure: new Date(health.lastFailureMs).toISOString() }),
    })),
    searchDomains: [...stats.searchDomains],
    cache,
    hosts: { hostsFile: stats.hostsFileNames, settings: stats.settingsNames },
    queries: dnsQueriesOf(server),
  };
}
