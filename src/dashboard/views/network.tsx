import { useState } from 'preact/hooks';
import { call } from '../api.js';
import { Chart } from '../chart.js';
import { bytesText, dateText, durationText } from '../format.js';
import type { Live } from '../live.js';
import type { DnsAnswer, DnsStatus } from '../messages.js';
import { Badge, Card, Empty, Facts, ProblemNote, Table, useAction } from '../parts.js';
import { useNow } from '../store.js';

export function Network({ live: { dns, leases, absent, queries } }: { live: Live }) {
  return (
    <>
      <Card title="Names">
        {absent.dns !== undefined && <Empty>{absent.dns.message}</Empty>}
        {dns !== undefined && (
          <>
            <Chart label="Queries" names={['']} samples={queries} unit="count/s" />
            <Servers dns={dns} />
            <Counters dns={dns} />
          </>
        )}
      </Card>
      {dns !== undefined && <Lookup />}
      <Card title="DHCP lease">
        {leases?.length === 0 && (
          <Empty>There is no lease: the VM is off, or has not asked for an address yet.</Empty>
        )}
        {leases !== undefined && leases.length > 0 && (
          <Table
            label="DHCP leases"
            head={['Address', 'MAC', 'Host name', 'State', 'Until', 'Last heard']}
            rows={leases.map((lease) => [
              lease.address,
              <code>{lease.mac}</code>,
              lease.hostname,
              <Badge tone={lease.state === 'bound' ? 'good' : 'off'}>{lease.state}</Badge>,
              lease.expiresAt === undefined ? '' : dateText(lease.expiresAt),
              lease.lastSeen === undefined ? '' : dateText(lease.lastSeen),
            ])}
          />
        )}
      </Card>
    </>
  );
}

function Servers({ dns: { servers } }: { dns: DnsStatus }) {
  if (servers.length === 0) return <Empty>The host has no DNS server.</Empty>;
  return (
    <Table
      label="DNS servers"
      head={['Server', 'For', 'State', 'Latency', 'Sent', 'Failed', 'Last failure']}
      rows={servers.map((each) => [
        <code>{each.server}</code>,
        each.domain ?? (each.isLastResort ? 'last resort' : 'all names'),
        <Badge tone={each.state === 'ok' ? 'good' : each.state === 'failing' ? 'bad' : 'off'}>
          {each.state}
        </Badge>,
        each.latencyMs === undefined ? '' : `${each.latencyMs} ms`,
        each.sent,
        each.failed,
        each.lastFailure === undefined ? 'none' : <Ago at={each.lastFailure} />,
      ])}
    />
  );
}

function Ago({ at }: { at: string }) {
  const now = useNow();
  return <time dateTime={at}>{durationText(now - Date.parse(at))} ago</time>;
}

function Counters({ dns: { cache, queries, hosts, searchDomains } }: { dns: DnsStatus }) {
  return (
    <Facts
      rows={[
        ['Queries', `${queries.total}, ${queries.failed} failed, ${queries.waiting} waiting`],
        ['Cache', cacheText(cache)],
        ['Names', `${hosts.hostsFile} in the hosts file, ${hosts.settings} in the settings`],
        ['Search list', searchDomains.join(' ')],
      ]}
    />
  );
}

function cacheText({ entries, bytes, hits, misses, stale }: DnsStatus['cache']): string {
  const all = hits + misses;
  const share = all === 0 ? '' : ` (${Math.round((hits / all) * 100)} % of the queries)`;
  const outdated = stale === 0 ? '' : `, ${stale} outdated because no server answered`;
  return `${entries} answers, ${bytesText(bytes)}, ${hits} hits${share}${outdated}`;
}

function Lookup() {
  const action = useAction();
  const [answer, setAnswer] = useState<DnsAnswer | undefined>(undefined);
  return (
    <Card title="Look up a name as containers do">
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          const name = new FormData(event.currentTarget).get('name');
          void action.run(async () => setAnswer(await call<DnsAnswer>('/v1/dns/query', { name })));
        }}
      >
        <label>
          Name or address
          <input name="name" required maxLength={255} />
        </label>
        <button type="submit" disabled={action.isBusy}>
          Look up
        </button>
      </form>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      {answer !== undefined && (
        <div role="status">
          {answer.answers.length === 0 && (
            <Empty>
              {answer.name} has no such record ({answer.rcode}).
            </Empty>
          )}
          <ul class="plain">
            {answer.answers.map(({ name, type, ttl, data }, at) => (
              <li key={at}>
                <code>
                  {name} {ttl} {type} {data}
                </code>
              </li>
            ))}
          </ul>
          <p class="muted">
            {answer.milliseconds} ms, by{' '}
            {answer.answeredBy.kind === 'upstream' ? answer.answeredBy.server : answer.answeredBy.kind}
          </p>
        </div>
      )}
    </Card>
  );
}
