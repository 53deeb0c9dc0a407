import { MobyvmError } from '../../core/values/index.js';
import { askServer, joinHostPort, type AnsweredBy, type DnsServer } from '../../proxy/index.js';
import { dnsQuery, type DnsAnswer, type DnsStatus } from '../../protocol/dns-messages.js';

/** The DNS server while the machine has one. */
export type CurrentDns = () => DnsServer | undefined;

/** @returns what to answer, or undefined when the route is not about DNS @throws MobyvmError MOBYVM_DNS_SERVER */
export async function answerDns(
  current: CurrentDns,
  { route, body }: { readonly route: string; readonly body: () => Promise<unknown> },
): Promise<DnsAnswer | DnsStatus | undefined> {
  switch (route) {
    case 'GET /v1/dns':
      return statusOf(serverOf(current));
    case 'POST /v1/dns/query': {
      const { name, type } = dnsQuery.parse(await body());
      const answer = await askServer(serverOf(current), name, type);
      return { ...answer, answers: [...answer.answers], answeredBy: toWire(answer.answeredBy) };
    }
    default:
      return undefined;
  }
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

function statusOf(server: DnsServer): DnsStatus {
  const { cache, queries, outstanding, servfails, refused, dropped, ...stats } = server.stats();
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
    })),
    searchDomains: [...stats.searchDomains],
    cache,
    hosts: { hostsFile: stats.hostsFileNames, settings: stats.settingsNames },
    queries: { total: queries, waiting: outstanding, failed: servfails, refused, dropped },
  };
}
