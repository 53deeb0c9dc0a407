import type { ServerEvent } from '../../protocol/control-events.js';
import type { RecentRecord, RecentRecords } from '../recent-records.js';
import type { ControlledMachine } from './controlled-machine.js';
import { dnsStatusOf, type CurrentDns } from './dns-routes.js';
import type { Topics } from './event-streams.js';
import { LineTopic } from './line-topic.js';
import { OutputTopic, type FollowOutput } from './output-topic.js';
import { shareListingOf } from './share-routes.js';
import type { Shares } from '../../share/index.js';
import { statsOf } from './stats.js';
import { StateTopic } from './state-topic.js';
import type { HappeningTopic } from './watched-topic.js';
import { toWireLease, toWireStatus } from './wire.js';

export interface TopicSources {
  readonly machine: ControlledMachine;
  readonly dns: CurrentDns;
  readonly shares: Shares;
  readonly recent: Pick<RecentRecords, 'list' | 'onRecord'>;
  readonly operations: HappeningTopic;
  readonly followOutput: FollowOutput;
}

/** The state of the engine and the VM is asked for even if nothing has announced a change. */
const STATUS_EVERY_MS = 5_000;
/** Counters of traffic and queries change all the time. */
const COUNTERS_EVERY_MS = 1_000;
const LISTS_EVERY_MS = 2_000;
const CONSOLE_LINES = 500;

/** What clients of the event stream can watch. */
export function topicsOf(sources: TopicSources): Topics {
  const { machine, dns, shares, recent, operations, followOutput } = sources;
  return {
    status: new StateTopic({
      name: 'status',
      read: async () => ({ type: 'status', status: toWireStatus(await machine.status()) }),
      onChange: (listener) => machine.onStatusChange(listener),
      everyMs: STATUS_EVERY_MS,
      essence: withoutElapsed,
    }),
    operation: operations,
    ports: new StateTopic({
      name: 'ports',
      read: async () => ({ type: 'ports', ports: [...(await machine.listPorts())] }),
      everyMs: COUNTERS_EVERY_MS,
    }),
    usage: new StateTopic({
      name: 'usage',
      read: async () => ({ type: 'usage', usage: await machine.usage() }),
      everyMs: LISTS_EVERY_MS,
    }),
    stats: new StateTopic({
      name: 'stats',
      read: async () => ({ type: 'stats', stats: await statsOf(machine, dns) }),
      everyMs: COUNTERS_EVERY_MS,
    }),
    containers: new StateTopic({
      name: 'containers',
      read: async () => ({ type: 'containers', containers: [...(await machine.listContainers())] }),
      onChange: (listener) => machine.onStatusChange(listener),
      everyMs: LISTS_EVERY_MS,
    }),
    shares: new StateTopic({
      name: 'shares',
      read: async () => ({ type: 'shares', ...(await shareListingOf(shares)) }),
      everyMs: LISTS_EVERY_MS,
    }),
    leases: new StateTopic({
      name: 'leases',
      read: () => ({ type: 'leases', leases: machine.listLeases().map(toWireLease) }),
      everyMs: LISTS_EVERY_MS,
    }),
    dns: new StateTopic({
      name: 'dns',
      read: () => ({ type: 'dns', dns: dnsStatusOf(dns) }),
      everyMs: COUNTERS_EVERY_MS,
    }),
    log: new LineTopic<RecentRecord>({
      recent: () => recent.list(),
      onLine: (listener) => recent.onRecord(listener),
      event: (records, isFirst) => ({ type: 'log', records: records.map(toWireRecord), isFirst }),
    }),
    console: new LineTopic<string>({
      recent: () => machine.console.tail(CONSOLE_LINES),
      onLine: (listener) => machine.console.onLine(listener),
      event: (lines, isFirst) => ({ type: 'console', lines, isFirst }),
    }),
    output: new OutputTopic(followOutput),
  };
}

/** How long a step and the clock's offset have changed by is no news. */
function withoutElapsed(event: ServerEvent): unknown {
  if (event.type !== 'status') return event;
  const { step, ...status } = event.status;
  return { ...status, step: step && { ...step, elapsedMs: 0 } };
}

function toWireRecord({ fields, ...record }: RecentRecord) {
  const known = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...record, fields: Object.fromEntries(known) };
}
