import type { MachineStats, MachineStatus } from '../protocol/messages.js';

/** What is used at one moment, and how much in a second since the one before; undefined is what is not known. */
export interface StatsReading {
  readonly state: MachineStats['state'];
  readonly cpu: {
    /** Processors of this host that the VM keeps busy: 1 is all of one. */
    readonly used: number | undefined;
    readonly count: number | undefined;
  };
  readonly memory: { readonly usedBytes: number | undefined; readonly limitBytes: number | undefined };
  readonly disk: {
    /** As the VM sees its data disk. */
    readonly usedBytes: number | undefined;
    readonly sizeBytes: number | undefined;
    /** What the data disk takes on this host. */
    readonly fileBytes: number | undefined;
  };
  /** Undefined while the DNS server does not run. */
  readonly dns: DnsReading | undefined;
  readonly ports: readonly PortReading[];
}

export interface DnsReading {
  readonly queriesPerSecond: number | undefined;
  readonly failuresPerSecond: number | undefined;
  /** Since the server was started, as the rest. */
  readonly queries: number;
  readonly failures: number;
  readonly waiting: number;
}

export interface PortReading extends Port {
  readonly bytesInPerSecond: number | undefined;
  readonly bytesOutPerSecond: number | undefined;
}

type Port = MachineStats['ports'][number];
type Status = Pick<MachineStatus, 'state' | 'vm' | 'guest'>;

const MIB = 1_024 ** 2;

/**
 * @param before counters of the same daemon; without them there are no rates
 * @param status the latest that the daemon has sent, for what is there to be used
 */
export function readingOf(
  now: MachineStats,
  before: MachineStats | undefined,
  status: Status | undefined,
): StatsReading {
  const { usage, dns, ports } = now;
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1_000;
  const perSecond = (later: number | undefined, earlier: number | undefined): number | undefined =>
    rateOf(later, earlier, seconds);
  const { cpus, memoryMiB } = status?.vm ?? {};
  const earlier = new Map(before?.ports.map((port) => [keyOf(port), port]));
  return {
    state: stateOf(now, status),
    cpu: { used: perSecond(usage.processorSeconds, before?.usage.processorSeconds), count: cpus },
    memory: {
      usedBytes: usage.memoryBytes,
      limitBytes: memoryMiB === undefined ? undefined : memoryMiB * MIB,
    },
    disk: { ...guestDisk(status), fileBytes: usage.diskBytes },
    dns: dns && {
      queriesPerSecond: perSecond(dns.total, before?.dns?.total),
      failuresPerSecond: perSecond(dns.failed, before?.dns?.failed),
      queries: dns.total,
      failures: dns.failed,
      waiting: dns.waiting,
    },
    ports: ports.map((port) => {
      const known = earlier.get(keyOf(port));
      return {
        ...port,
        bytesInPerSecond: perSecond(port.bytesIn, known?.bytesIn),
        bytesOutPerSecond: perSecond(port.bytesOut, known?.bytesOut),
      };
    }),
  };
}

/** Undefined for a counter that has gone back: it was started again, nobody knows when. */
function rateOf(now: number | undefined, before: number | undefined, seconds: number): number | undefined {
  if (now === undefined || before === undefined || now < before || seconds <= 0) return undefined;
  return (now - before) / seconds;
}

function keyOf({ protocol, hostIp, hostPort }: Port): string {
  return `${protocol} ${hostIp} ${hostPort}`;
}

/** Only the status tells a saved VM from one that is shut down. */
function stateOf({ state }: MachineStats, status: Status | undefined): MachineStats['state'] {
  return state === 'stopped' && status?.state === 'saved' ? 'saved' : state;
}

function guestDisk(status: Status | undefined): Pick<StatsReading['disk'], 'usedBytes' | 'sizeBytes'> {
  const disk = status?.guest?.disk;
  return {
    usedBytes: disk && (disk.totalKiB - disk.freeKiB) * 1_024,
    sizeBytes: disk && disk.totalKiB * 1_024,
  };
}

/** There is no VM. After a failure there may still be one. */
export function isOff({ state, memory }: StatsReading): boolean {
  return state === 'stopped' || state === 'saved' || (state === 'failed' && memory.usedBytes === undefined);
}
