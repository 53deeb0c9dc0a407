import { writeFile } from 'node:fs/promises';
import type { ControlApiOptions } from '../../src/daemon/control/control-api.js';
import type { ControlledMachine } from '../../src/daemon/control/controlled-machine.js';
import type { FollowOutput } from '../../src/daemon/control/output-topic.js';
import type { MachineStatus } from '../../src/daemon/machine/machine-status.js';
import { RecentRecords } from '../../src/daemon/recent-records.js';
import type { DhcpLease, DnsServer, PublishedPort } from '../../src/proxy/index.js';
import { parseIpv4, parseMac } from '../../src/core/values/index.js';
import { FakeKvp } from './kvp-fake/index.js';
import { FakeShareWorld, PLACE, sharesOf } from './share-fake.js';

/** A machine that is in use, whose figures change as those of a real one do; for pictures of the dashboard. */
export function sampleOptions(): Partial<ControlApiOptions> {
  const recent = new RecentRecords();
  const kvp = new FakeKvp();
  recent.add('info', 'daemon.started', { pid: 4711 });
  recent.add('info', 'machine.state', { state: 'running' });
  recent.add('warn', 'dns.upstream.failed', { server: '192.0.2.53:53', reason: 'timeout' });
  return { machine: { ...sampleMachine(), kvp }, dns: () => sampleDns(), recent, followOutput };
}

/** Shares of a VM that runs; the password of one is wrong. @param path where their list is kept */
export async function sampleShares(path: string): Promise<ControlApiOptions['shares']> {
  const entries = [
    { id: 'C', name: 'C', hostPath: '/home/ann/c', points: ['/C', '/c'], account: { kind: 'private' } },
    {
      id: 'D',
      name: 'D',
      hostPath: '/srv/data',
      points: ['/D', '/d'],
      account: { kind: 'user', user: 'ann' },
    },
  ];
  const file = { version: 1, shares: entries.map((each) => ({ ...each, isReadOnly: false })) };
  await writeFile(path, JSON.stringify(file));
  const world = new FakeShareWorld();
  world.outcomes.set('D', { ok: false, step: 'login', errno: 13, text: 'STATUS_LOGON_FAILURE' });
  const shares = sharesOf(world, path);
  await shares.load();
  const { signal } = new AbortController();
  for (const resource of shares.resources(PLACE))
    await resource.ensure({ signal, progress: () => undefined, onFailure: () => undefined });
  shares.vmReady(PLACE);
  await shares.settled(signal);
  return shares;
}

const begunMs = Date.now() - 2 * 3_600_000;
const uptime = (): number => (Date.now() - begunMs) / 1_000;
/** Goes up and down, and is never the same for long. */
const wave = (seconds: number, phase: number): number =>
  0.5 + 0.3 * Math.sin(seconds / 9 + phase) + 0.2 * Math.sin(seconds / 2.3 + phase);
const counted = (perSecond: number, phase: number): number =>
  Math.round(perSecond * (uptime() + 2.7 * Math.cos(uptime() / 9 + phase)));

function sampleMachine(): Omit<ControlledMachine, 'kvp'> {
  return {
    stall: undefined,
    console: {
      tail: () => Promise.resolve(CONSOLE),
      onLine: () => () => undefined,
    },
    info: () => ({ state: 'running', daemon: DAEMON }),
    status: () => Promise.resolve(STATUS),
    onStatusChange: () => () => undefined,
    operate: () => Promise.resolve(),
    cancel: () => Promise.resolve(false),
    usage: () =>
      Promise.resolve({
        processorSeconds: 0.6 * (uptime() + 2.7 * Math.cos(uptime() / 9)),
        memoryBytes: 1.1e9 + 2e8 * wave(uptime(), 2),
        diskBytes: 6.4e9,
      }),
    listContainers: () => Promise.resolve(CONTAINERS),
    listPorts: () => Promise.resolve(samplePorts()),
    knownPorts: samplePorts,
    listLeases: () => [LEASE],
  };
}

const DAEMON: MachineStatus['daemon'] = {
  ...{ pid: 4711, version: '0.1.0', startedAt: new Date(begunMs).toISOString(), isBackground: false },
  ...{ stateDir: '/var/lib/mobyvm', logDir: '/var/log/mobyvm', settingsFile: '/etc/mobyvm/settings.json' },
};

const STEPS = [
  'boot image',
  'bridge and addresses',
  'DNS, DHCP and ports',
  'certificates',
  'guest kernel',
  'Docker Engine',
];

const STATUS: MachineStatus = {
  state: 'running',
  since: new Date(begunMs).toISOString(),
  daemon: DAEMON,
  vm: {
    ...{ driver: 'qemu', machineId: '6f1a1c52-5d2c-4d9d-9d3a-0b8a3f3b6c01', state: 'running' },
    ...{ accelerator: 'kvm', firmware: 'uefi', cpus: 2, memoryMiB: 2_048, stage: 'engine: ready' },
  },
  guest: {
    ...{ os: 'Alpine Linux v3.21', kernel: '6.12.30', addresses: ['10.0.75.2'] },
    disk: { totalKiB: 62_000_000, freeKiB: 47_600_000, files: 4_000_000, freeFiles: 3_700_000 },
  },
  network: {
    ...{ name: 'mobyvm0', subnet: '10.0.75.0/24', hostAddress: '10.0.75.1', vmAddress: '10.0.75.2' },
    mac: '02:6d:76:00:00:01',
  },
  engine: {
    ...{ endpoint: '/run/mobyvm/docker.sock', reachable: true, version: '28.3.3', apiVersion: '1.51' },
    clockOffsetMs: 12,
  },
  ports: { open: 2, waiting: 0, failed: 1 },
  hostNetworkContainers: [],
  shares: { shares: [], heldContainers: [] },
  timings: {
    steps: STEPS.map((title, at) => ({
      id: String(at),
      title,
      durationMs: [90, 310, 120, 640, 5_200, 3_900][at] ?? 0,
    })),
    guest: [{ stage: 'network', text: '10.0.75.2', uptimeSeconds: 4.1 }],
  },
  resources: [],
  repairs: [],
  obstacles: [],
};

const CONTAINERS = [
  ['1f0c6ad2a1b7', 'web', 'nginx:1.27-alpine', 'Up 2 hours'],
  ['9b7e45d3c0aa', 'api', 'registry.example.com/shop/api:2.4.1', 'Up 2 hours (healthy)'],
  ['c4d81e90f2b3', 'db', 'postgres:17', 'Up 2 hours'],
].map(([id = '', name = '', image = '', status = '']) => ({ id, name, image, state: 'running', status }));

function samplePorts(): PublishedPort[] {
  const port = { protocol: 'tcp', hostIp: '0.0.0.0', state: 'open', problem: undefined } as const;
  return [
    {
      ...{ ...port, hostPort: 8080, container: 'web', containerPort: 80, connections: 12 },
      ...{ bytesIn: counted(21_000, 0), bytesOut: counted(640_000, 0) },
    },
    {
      ...{ ...port, hostPort: 3000, container: 'api', containerPort: 3000, connections: 3 },
      ...{ bytesIn: counted(9_000, 2), bytesOut: counted(45_000, 2) },
    },
    {
      ...{ ...port, hostPort: 5432, container: 'db', containerPort: 5432, connections: 0 },
      ...{ bytesIn: 0, bytesOut: 0, state: 'failed', problem: 'postgres (pid 812) listens there already' },
    },
  ];
}

const LEASE: DhcpLease = {
  mac: parseMac('02:6d:76:00:00:01'),
  address: parseIpv4('10.0.75.2'),
  hostname: 'moby',
  state: 'bound',
  expiresAtMs: Date.now() + 500_000,
  lastSeenMs: Date.now() - 100_000,
};

/** As much of a DNS server as its status asks for. */
function sampleDns(): DnsServer {
  const server = { sent: 8_120, answered: 8_117, failed: 3, failuresInRow: 0, tcpUntilMs: undefined };
  const upstreams = [
    {
      ...{
        ...server,
        endpoint: { address: '192.0.2.1', port: 53 },
        latencyMs: 11.2,
        lastFailureMs: Date.now() - 1_900_000,
      },
      ...{ domain: undefined, isLastResort: false, isFailing: false },
    },
    {
      ...{ ...server, sent: 44, answered: 2, failed: 42, endpoint: { address: '192.0.2.53', port: 53 } },
      ...{ latencyMs: 210, lastFailureMs: Date.now() - 8_000 },
      ...{ domain: 'corp.example.com', isLastResort: false, isFailing: true },
    },
  ];
  return {
    port: 53,
    stats: () => ({
      ...{ queries: counted(7, 3), servfails: 2, refused: 0, dropped: 0, outstanding: 1, tcpConnections: 0 },
      ...{ upstreams, hostsFileNames: 4, settingsNames: 1, searchDomains: ['corp.example.com'] },
      cache: { entries: 212, bytes: 41_000, hits: 6_400, misses: 1_900, stale: 0, evicted: 0 },
    }),
    servers: () => upstreams,
    ask: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const CONSOLE = [
  'Linux version 6.12.30-0-virt',
  'mobyvm-stage network 10.0.75.2',
  ' * Starting Docker Engine ... [ ok ]',
  'mobyvm-stage engine ready',
];

const followOutput: FollowOutput = (container, onLine, signal) =>
  new Promise((_resolve, reject) => {
    const at = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
    for (let line = 12; line > 0; line -= 1)
      onLine({
        at: at(line * 7),
        stream: 'stdout',
        text: `10.0.75.1 - "GET /cart/${line} HTTP/1.1" 200 5 ms`,
      });
    onLine({ at: at(1), stream: 'stderr', text: `${container}: upstream timed out, trying again` });
    signal.addEventListener('abort', () => reject(new TypeError('not followed any more')), { once: true });
  });
