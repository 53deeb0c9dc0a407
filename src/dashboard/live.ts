import type { ApiProblem } from './api.js';
import type {
  ContainerListing,
  DnsStatus,
  LeaseListing,
  ListedShare,
  LogRecord,
  MachineStatus,
  PortListing,
  ServerEvent,
  Topic,
  VmUsage,
} from './messages.js';

export type Connection = 'connecting' | 'live' | 'lost' | 'locked';

/** A value of a chart, and when it was measured: seconds since 1970. */
export interface Sample {
  readonly at: number;
  readonly values: readonly number[];
}

/** Everything that the page shows, and how old it is. */
export interface Live {
  readonly connection: Connection;
  /** When the daemon was last heard, milliseconds since 1970. */
  readonly heardMs: number | undefined;
  readonly version: string | undefined;
  readonly status: MachineStatus | undefined;
  readonly ports: PortListing['ports'] | undefined;
  readonly containers: ContainerListing['containers'] | undefined;
  readonly shares: readonly ListedShare[] | undefined;
  readonly leases: LeaseListing['leases'] | undefined;
  readonly dns: DnsStatus | undefined;
  readonly usage: VmUsage | undefined;
  readonly log: readonly LogRecord[];
  readonly console: readonly string[];
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
  ports: undefined,
  containers: undefined,
  shares: undefined,
  leases: undefined,
  dns: undefined,
  usage: undefined,
  log: [],
  console: [],
  absent: {},
  traffic: [],
  processors: [],
  memory: [],
  queries: [],
  notice: undefined,
};

const KEPT_LINES = 2_000;
const KEPT_SAMPLES = 120;

/** What the page shows after an event. */
export function afterEvent(live: Live, event: ServerEvent, nowMs: number): Live {
  const heard: Live = { ...live, heardMs: nowMs };
  switch (event.type) {
    case 'hello':
      return { ...heard, connection: 'live', version: event.version };
    case 'watching':
    case 'alive':
      return heard;
    case 'status':
      return { ...present(heard, 'status'), status: event.status };
    case 'operation':
      return { ...heard, notice: noticeOf(event.event) ?? live.notice };
    case 'ports':
      return {
        ...present(heard, 'ports'),
        ports: event.ports,
        traffic: afterTraffic(live, event.ports, nowMs),
      };
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
      return { ...heard, log: event.isFirst ? event.records : latest([...live.log, ...event.records]) };
    case 'console':
      return { ...heard, console: event.isFirst ? event.lines : latest([...live.console, ...event.lines]) };
    case 'unavailable':
      return { ...without(heard, event.topic), absent: { ...live.absent, [event.topic]: event.error } };
  }
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

function latest<T>(lines: readonly T[]): readonly T[] {
  return lines.length > KEPT_LINES ? lines.slice(-KEPT_LINES) : lines;
}

/** Counters of ports that were closed meanwhile are not missed: their share is what was counted before. */
function afterTraffic(live: Live, ports: PortListing['ports'], nowMs: number): readonly Sample[] {
  const before = new Map((live.ports ?? []).map((port) => [keyOf(port), port]));
  let bytesIn = 0;
  let bytesOut = 0;
  for (const port of ports) {
    const earlier = before.get(keyOf(port));
    if (earlier === undefined) continue;
    bytesIn += Math.max(0, port.bytesIn - earlier.bytesIn);
    bytesOut += Math.max(0, port.bytesOut - earlier.bytesOut);
  }
  return withRate(live.traffic, [bytesIn, bytesOut], nowMs);
}

function keyOf({ protocol, hostIp, hostPort }: PortListing['ports'][number]): string {
  return `${protocol} ${hostIp} ${hostPort}`;
}

function afterUsage(
  live: Live,
  usage: VmUsage,
  nowMs: number,
): Pick<Live, 'usage' | 'processors' | 'memory'> {
  const { processorSeconds = 0, memoryBytes = 0 } = usage;
  const before = live.usage?.processorSeconds ?? processorSeconds;
  const at = nowMs / 1_000;
  const seconds = at - (live.processors.at(-1)?.at ?? at - 1);
  const busy = Math.max(0, processorSeconds - before) / Math.max(seconds, 0.2);
  return {
    usage,
    processors: [...live.processors, { at, values: [busy] }].slice(-KEPT_SAMPLES),
    memory: [...live.memory, { at, values: [memoryBytes] }].slice(-KEPT_SAMPLES),
  };
}

function afterQueries(live: Live, { queries }: DnsStatus, nowMs: number): readonly Sample[] {
  const before = live.dns?.queries.total ?? queries.total;
  return withRate(live.queries, [Math.max(0, queries.total - before)], nowMs);
}

/** States are sent when they change: what was not sent meanwhile was zero. */
function withRate(samples: readonly Sample[], counts: readonly number[], nowMs: number): readonly Sample[] {
  const at = nowMs / 1_000;
  const last = samples.at(-1)?.at ?? at - 1;
  const zero = counts.map(() => 0);
  const filled =
    at - last > 2.5
      ? [
          { at: last + 1, values: zero },
          { at: at - 1, values: zero },
        ]
      : [];
  const seconds = Math.min(Math.max(at - last, 0.2), 1.5);
  const next = { at, values: counts.map((count) => count / seconds) };
  return [...samples, ...filled, next].slice(-KEPT_SAMPLES);
}
