import { addressText, bytesText } from './amounts.js';
import type { DnsReading, PortReading, StatsReading } from './stats-reading.plan.js';
import { tableLines } from './table.js';
import { withoutControls } from './terminal.js';

/** Of a terminal; undefined where nothing has to fit. */
export interface StatsSize {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

const VM_HEAD = ['VM', 'CPU', 'MEMORY', 'DISK', 'DISK FILE'];
const DNS_HEAD = ['DNS QUERIES', 'FAILURES', 'TOTAL QUERIES', 'TOTAL FAILURES', 'WAITING'];
const PORT_HEAD = ['PORT', 'CONTAINER', 'CONNECTIONS', 'IN', 'OUT'];
const UNKNOWN = '-';

/** `mobyvm stats` for people: a table each for the VM, for DNS and for published ports. */
export function statsLines(reading: StatsReading, { columns, rows }: StatsSize = {}): readonly string[] {
  const before = [
    ...tableLines(VM_HEAD, [vmRow(reading)], columns),
    '',
    ...tableLines(DNS_HEAD, [dnsRow(reading.dns)], columns),
    '',
  ];
  const ports = reading.ports.filter(({ state }) => state === 'open');
  if (ports.length === 0) return [...before, 'No published port is open.'];
  // The head of the table, and the row of the cursor.
  const places = rows === undefined ? ports.length : Math.max(rows - before.length - 2, 1);
  const isCut = ports.length > places;
  const shown = isCut ? ports.slice(0, Math.max(places - 1, 1)) : ports;
  return [
    ...before,
    ...tableLines(PORT_HEAD, shown.map(portRow), columns),
    ...(isCut ? [`… and ${ports.length - shown.length} more (\`mobyvm port list\`)`] : []),
  ];
}

function vmRow({ state, cpu, memory, disk }: StatsReading): readonly string[] {
  return [
    state,
    cpuText(cpu),
    partText(memory.usedBytes, memory.limitBytes),
    partText(disk.usedBytes, disk.sizeBytes),
    shown(disk.fileBytes, bytesText),
  ];
}

function cpuText({ used, count }: StatsReading['cpu']): string {
  if (used === undefined) return UNKNOWN;
  const percent = (part: number): string => `${(part * 100).toFixed(1)}%`;
  if (count === undefined) return `${percent(used)} of one`;
  return `${percent(used / count)} of ${count === 1 ? '1 CPU' : `${count} CPUs`}`;
}

function partText(used: number | undefined, whole: number | undefined): string {
  if (used === undefined) return UNKNOWN;
  return whole === undefined ? bytesText(used) : `${bytesText(used)} / ${bytesText(whole)}`;
}

function dnsRow(dns: DnsReading | undefined): readonly string[] {
  return [
    shown(dns?.queriesPerSecond, perSecond),
    shown(dns?.failuresPerSecond, perSecond),
    shown(dns?.queries, String),
    shown(dns?.failures, String),
    shown(dns?.waiting, String),
  ];
}

function portRow(port: PortReading): readonly string[] {
  const { hostIp, hostPort, protocol, container, containerPort, connections } = port;
  return [
    `${addressText(hostIp, hostPort)}/${protocol}`,
    `${container === '' ? '?' : withoutControls(container)}:${containerPort}`,
    String(connections),
    shown(port.bytesInPerSecond, bytesPerSecond),
    shown(port.bytesOutPerSecond, bytesPerSecond),
  ];
}

function shown(value: number | undefined, text: (value: number) => string): string {
  return value === undefined ? UNKNOWN : text(value);
}

function perSecond(count: number): string {
  return `${count.toFixed(1)}/s`;
}

function bytesPerSecond(bytes: number): string {
  return `${bytesText(bytes)}/s`;
}
