import { noLines, withLines, type KeptLines } from './lines.js';
import type {
  ApiProblem,
  ContainerListing,
  DnsStatus,
  LeaseListing,
  ListedShare,
  LogRecord,
  MachineStatus,
  OutputLine,
  PortListing,
  ServerEvent,
  Topic,
  VmUsage,
} from './messages.js';
import {
  ratesOf,
  secondsSince,
  withGap,
  withRate,
  withSample,
  type PortRates,
  type Sample,
} from './samples.js';

export type Connection = 'connecting' | 'live' | 'lost' | 'locked';

/** What a container prints. */
export interface Output {
  readonly container: string;
  readonly kept: KeptLines<OutputLine>;
  /** Lines that came too fast to be sent. */
  readonly omitted: number;
  readonly hasEnded: boolean;
}

/** Everything that the page shows, and how old it is. */
export interface Live {
  readonly connection: Connection;
  /** When the daemon was last heard, milliseconds since 1970. */
  readonly heardMs: number | undefined;
  readonly version: string | undefined;
  readonly status: MachineStatus | undefined;
  /** When the status came, milliseconds since 1970. */
  readonly statusMs: number;
  readonly ports: PortListing['ports'] | undefined;
  readonly portRates: PortRates | undefined;
  readonly containers: ContainerListing['containers'] | undefined;
  readonly shares: readonly ListedShare[] | undefined;
  readonly leases: LeaseListing['leases'] | undefined;
  readonly dns: DnsStatus | undefined;
  readonly usage: VmUsage | undefined;
  readonly log: KeptLines<LogRecord>;
  readonly console: KeptLines<string>;
  readonly output: Output | undefined;
  /** Why there is nothing about a topic. */
  readonly absent: Readonly<Partial<Record<Topic, ApiProblem | undefined>>>;
  /** Bytes per second to and from published ports. */
  readonly traffic: readonly Sample[];
  /** Processors of the host that the VM keeps busy: 1 is one of them. */
  readonly processors: readonly Sample[];
  /** Bytes. */
  readonly memory: readonly Sample[];
  /** DNS queries per second. */
  readonly queries: readonly Sample[];
  /** What the last operation had to say. */
  readonly notice: { readonly text: string; readonly remedy: string } | undefined;
}

export const NOTHING: Live = {
  connection: 'connecting',
  heardMs: undefined,
  version: undefined,
  status: undefined,
  statusMs: 0,
  ports: undefined,
  portRates: undefined,
  containers: undefined,
  shares: undefined,
  leases: undefined,
  dns: undefined,
  usage: undefined,
  log: noLines(),
  console: noLines(),
  output: undefined,
  absent: {},
  traffic: [],
  processors: [],
  memory: [],
  queries: [],
  notice: undefined,
};

/** What the page shows after an event. */
export function afterEvent(live: Live, event: ServerEvent, nowMs: number): Live {
  const heard: Live = { ...live, heardMs: nowMs };
  switch (event.type) {
    case 'hello':
      return { ...afresh(live, nowMs), version: event.version };
    case 'watching':
    case 'alive':
    // Not watched: the page follows each part by its own topic.
    case 'stats':
      return heard;
    case 'status':
      return { ...present(heard, 'status'), status: event.status, statusMs: nowMs };
    case 'operation':
      return { ...heard, notice: noticeOf(event.event) ?? live.notice };
    case 'ports':
      return { ...present(heard, 'ports'), ports: event.ports, ...afterTraffic(live, event.ports, nowMs) };
    case 'usage':
      return { ...present(heard, 'usage'), ...afterUsage(live, event.usage, nowMs) };
    case 'containers':
      return { ...present(heard, 'containers'), containers: event.containers };
    case 'shares':
      return { ...present(heard, 'shares'), shares: event.shares };
    case 'leases':
      return { ...present(heard, 'leases'), leases: event.leases };
    case 'dns':
      return { ...present(heard, 'dns'), dns: event.dns, queries: afterQueries(live, event.dns, nowMs) };
    case 'log':
      return { ...heard, log: withLines(live.log, event.records, event.isFirst) };
    case 'console':
      return { ...heard, console: withLines(live.console, event.lines, event.isFirst) };
    case 'output':
      return { ...present(heard, 'output'), output: afterOutput(live.output, event) };
    case 'output-end':
      return { ...heard, output: live.output && { ...live.output, hasEnded: true } };
    case 'unavailable':
      return { ...without(heard, event.topic), absent: { ...live.absent, [event.topic]: event.error } };
  }
}

/**
 * What is left on a new connection: nothing that the daemon has not said on it, because it may be another daemon, and
 * much may have happened. Charts keep their past, with a gap.
 */
function afresh({ traffic, processors, memory, queries, notice }: Live, nowMs: number): Live {
  const at = nowMs / 1_000;
  return {
    ...NOTHING,
    connection: 'live',
    heardMs: nowMs,
    traffic: withGap(traffic, at),
    processors: withGap(processors, at),
    memory: withGap(memory, at),
    queries: withGap(queries, at),
    notice,
  };
}

function present(live: Live, topic: Topic): Live {
  return { ...live, absent: { ...live.absent, [topic]: undefined } };
}

/** What held before does not hold any more. */
function without(live: Live, topic: Topic): Live {
  switch (topic) {
    case 'status':
    case 'ports':
    case 'containers':
    case 'shares':
    case 'leases':
    case 'dns':
    case 'usage':
      return { ...live, [topic]: undefined };
    default:
      return live;
  }
}

type OperationEvent = Extract<ServerEvent, { type: 'operation' }>['event'];

function noticeOf(event: OperationEvent): Live['notice'] {
  switch (event.event) {
    case 'operation.notice':
      return { text: event.message, remedy: '' };
    case 'operation.waiting':
      return { text: `"${event.requester.command}" has to end first.`, remedy: '' };
    case 'operation.failed':
      return { text: event.error.message, remedy: event.error.remedy };
    default:
      return undefined;
  }
}

function afterOutput(
  before: Output | undefined,
  { container, lines, omitted, isFirst }: Extract<ServerEvent, { type: 'output' }>,
): Output {
  const known = before?.container === container && !isFirst ? before : undefined;
  return {
    container,
    kept: withLines(known?.kept ?? noLines<OutputLine>(), lines, isFirst),
    omitted: (known?.omitted ?? 0) + omitted,
    hasEnded: false,
  };
}

/** Counters of ports that were closed meanwhile are not missed: their share is what was counted before. */
function afterTraffic(
  live: Live,
  ports: PortListing['ports'],
  nowMs: number,
): Pick<Live, 'traffic' | 'portRates'> {
  const at = nowMs / 1_000;
  const byPort = ratesOf(live.ports ?? [], ports, secondsSince(live.traffic, at));
  let [bytesIn, bytesOut] = [0, 0];
  for (const rate of byPort.values()) [bytesIn, bytesOut] = [bytesIn + rate.in, bytesOut + rate.out];
  return {
    traffic: withRate(live.traffic, {
      at,
      values: live.ports === undefined ? [null, null] : [bytesIn, bytesOut],
    }),
    portRates: { at, byPort },
  };
}

/** The least time between two looks at what the VM uses; their events may come closer together. */
const USAGE_SECONDS = 1.8;

function afterUsage(
  live: Live,
  usage: VmUsage,
  nowMs: number,
): Pick<Live, 'usage' | 'processors' | 'memory'> {
  const { processorSeconds, memoryBytes } = usage;
  const at = nowMs / 1_000;
  const seconds = at - (live.processors.at(-1)?.at ?? at);
  const before = live.usage?.processorSeconds;
  const isCounted = processorSeconds !== undefined && before !== undefined && seconds > 0;
  const busy = isCounted ? Math.max(0, processorSeconds - before) / Math.max(seconds, USAGE_SECONDS) : null;
  return {
    usage,
    processors: withSample(live.processors, { at, values: [busy] }),
    memory: withSample(live.memory, { at, values: [memoryBytes ?? null] }),
  };
}

function afterQueries(live: Live, { queries }: DnsStatus, nowMs: number): readonly Sample[] {
  const at = nowMs / 1_000;
  const before = live.dns?.queries.total;
  const perSecond =
    before === undefined ? null : Math.max(0, queries.total - before) / secondsSince(live.queries, at);
  return withRate(live.queries, { at, values: [perSecond] });
}
