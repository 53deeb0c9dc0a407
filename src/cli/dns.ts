import { EXIT_OK } from '../protocol/exit-code.js';
import type { DnsAnswer, DnsQuery, DnsStatus } from '../protocol/dns-messages.js';
import { ControlClient } from './control-client.js';
import type { CommandContext, CommandResult } from './context.js';
import { tableLines } from './table.js';
import { withoutControls } from './terminal.js';

const EXIT_NO_ANSWER = 1;

export interface DnsQueryOptions extends DnsQuery {
  readonly json: boolean;
}

/** `mobyvm dns query`: what a container would be answered, and by whom. */
export async function dnsQuery(context: CommandContext, options: DnsQueryOptions): CommandResult {
  const { terminal, interrupted } = context;
  const { json, ...query } = options;
  const answer = await clientOf(context).queryDns(query, interrupted);
  if (json) terminal.out(JSON.stringify(answer));
  else answerLines(answer).forEach((line) => terminal.out(line));
  return answer.rcode === 'NOERROR' ? EXIT_OK : EXIT_NO_ANSWER;
}

/** `mobyvm dns status`: servers, search list, cache and names. */
export async function dnsStatus(
  context: CommandContext,
  { json }: { readonly json: boolean },
): CommandResult {
  const { terminal, interrupted } = context;
  const status = await clientOf(context).dnsStatus(interrupted);
  if (json) terminal.out(JSON.stringify(status));
  else statusLines(status, terminal.tableColumns).forEach((line) => terminal.out(line));
  return EXIT_OK;
}

function clientOf({ paths, rights }: CommandContext): ControlClient {
  return new ControlClient(paths.controlSocket, rights);
}

export function answerLines(answer: DnsAnswer): readonly string[] {
  const { answers, name, type, rcode, milliseconds } = answer;
  const records = answers.map((record) => `${record.name}  ${record.ttl}  ${record.type}  ${record.data}`);
  const nothing = `${name} has no record of type ${type} (${rcode}).`;
  const lines = records.length === 0 ? [nothing] : records;
  return [...lines, '', `Answered in ${milliseconds} ms by ${byText(answer)}.`].map(withoutControls);
}

function byText({ answeredBy: by }: DnsAnswer): string {
  switch (by.kind) {
    case 'rule':
      return RULES[by.rule] ?? `mobyvm (${by.rule})`;
    case 'cache':
      return by.isStale
        ? `the cache, with an answer of ${by.ageSeconds} s ago that has expired: no server answers`
        : `the cache, with an answer of ${by.ageSeconds} s ago`;
    case 'upstream':
      return by.domain === undefined ? by.server : `${by.server}, for the domain ${by.domain}`;
    case 'nobody':
      return `mobyvm, because ${by.reason}`;
  }
}

const RULES: Readonly<Record<string, string>> = {
  settings: 'dns.hosts in the settings',
  machine: 'mobyvm: a name of the host or the VM',
  'hosts file': "the host's hosts file",
  reserved: 'mobyvm: no upstream is ever asked for such names',
  mdns: 'mobyvm: .local belongs to multicast DNS, and no server is configured for the domain',
  any: 'mobyvm: questions for ANY are not passed on',
  'zone transfer': 'mobyvm: zone transfers are refused',
};

const HEAD = ['SERVER', 'FOR', 'STATE', 'LATENCY', 'SENT', 'ANSWERED', 'FAILED'];

export function statusLines(
  { servers, searchDomains, cache, hosts, queries }: DnsStatus,
  columns?: number,
): readonly string[] {
  const rows = servers.map((server) => [
    server.server,
    server.domain ?? (server.isLastResort ? 'last resort' : 'all names'),
    server.state,
    server.latencyMs === undefined ? '-' : `${server.latencyMs} ms`,
    String(server.sent),
    String(server.answered),
    String(server.failed),
  ]);
  const found = cache.hits + cache.misses === 0 ? 0 : cache.hits / (cache.hits + cache.misses);
  return [
    ...(rows.length === 0 ? ['No server: the host has no resolver.'] : tableLines(HEAD, rows, columns)),
    '',
    `Search domains: ${searchDomains.length === 0 ? 'none' : searchDomains.join(' ')}`,
    `Cache:          ${cache.entries} answers (${Math.ceil(cache.bytes / 1024)} KiB), ${Math.round(found * 100)}% found there, ${cache.stale} given after they had expired`,
    `Names:          ${hosts.hostsFile} in the hosts file, ${hosts.settings} in the settings`,
    `Queries:        ${queries.total}, of which ${queries.waiting} waiting, ${queries.failed} failed, ${queries.refused} refused`,
  ].map(withoutControls);
}
