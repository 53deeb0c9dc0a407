import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../src/core/host/index.js';
import { connect, NetworkNamespace } from '../../test/support/netns.js';
import type { RunningProgram } from '../../test/support/netns-program.js';
import {
  cpuOf,
  HTTP_PORT,
  idle,
  IDLE_PORT,
  iperf,
  IPERF_PORT,
  wrk,
  type Figures,
  type LoadOptions,
} from './loads.js';
import { ADDRESS, peersIn, TARGET, type Peer } from './peers.js';

/**
 * Compares our TCP forwarder with others: each load through each peer, in turns, so that all see the same
 * machine. Client, host and server are network namespaces connected by veth pairs. Prints a table for
 * RESULTS.md.
 *
 * usage: npm run bench:port -- [seconds per load] [rounds] [peer,peer]
 */
const ROOT = resolve(import.meta.dirname, '../../../..');
const PROGRAMS = join(ROOT, 'build/bench-peers');
const PORTS = [IPERF_PORT, HTTP_PORT, IDLE_PORT];
const REFERENCE = 'haproxy';
const [seconds = 5, rounds = 3] = process.argv.slice(2, 4).map(Number);
const only = process.argv[4]?.split(',');

interface Stage {
  readonly host: NetworkNamespace;
  readonly client: NetworkNamespace;
}

async function measure(peer: Peer, { host, client }: Stage): Promise<Figures> {
  const figures: Figures = new Map();
  const load: LoadOptions = { client, programs: PROGRAMS, seconds };
  const programs = await peer.start(host, PORTS);
  try {
    for (const port of PORTS) await untilOpen(host, port);
    // The very first connection pays for one-time setup.
    await wrk({ ...load, seconds: 1 }, true);
    for (const streams of [1, 8])
      for (const isDownload of [false, true])
        figures.set(
          `${streams} stream${streams === 1 ? '' : 's'} ${isDownload ? 'down' : 'up'}, Gbit/s`,
          await iperf(load, streams, isDownload),
        );
    for (const isClosing of [false, true]) {
      const before = await cpuOf(programs);
      const { perSecond, p99 } = await wrk(load, isClosing);
      const what = isClosing ? 'connections' : 'requests (keep-alive)';
      figures.set(`${what}/s`, perSecond);
      figures.set(`${what}, p99 ms`, p99);
      figures.set(
        `${what}, CPU µs each`,
        ((await cpuOf(programs)) - before) / ((perSecond * seconds) / 1000),
      );
    }
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
  }
  figures.set('idle connection, bytes', await measureIdle(peer, { host, client }, load));
  return figures;
}

/** Uses fresh processes: memory left over from earlier loads would hide the cost of connections. */
async function measureIdle(peer: Peer, { host }: Stage, load: LoadOptions): Promise<number> {
  const programs = await peer.start(host, [IDLE_PORT]);
  try {
    await untilOpen(host, IDLE_PORT);
    const connections = Math.min(peer.maxIdle, await mostConnections());
    return await idle(load, connections, () => processesOf(programs));
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
  }
}

async function untilOpen(host: NetworkNamespace, port: number): Promise<void> {
  for (;;) {
    const { stdout } = await host.run('ss', ['-Hltn', `sport = :${port}`]);
    if (stdout.includes(`${ADDRESS}:${port}`)) return;
  }
}

/** Two descriptors each, in one process. */
async function mostConnections(): Promise<number> {
  const { stdout } = await run('prlimit', ['--nofile', '--output', 'HARD', '--noheadings', '--raw']);
  return Math.min(10_000, Math.floor(((Number(stdout) || 1e6) - 200) / 2));
}

async function processesOf(programs: readonly RunningProgram[]): Promise<readonly number[]> {
  const parents = programs.map(({ pid }) => pid);
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', parents.join(',')], {
    acceptExitCodes: [0, 1],
  });
  return [...parents, ...stdout.split('\n').map(Number).filter(Boolean)];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function table(peers: readonly Peer[], results: ReadonlyMap<string, readonly Figures[]>): string {
  const names = [...(results.get(peers[0]?.name ?? '')?.[0]?.keys() ?? [])];
  const of = (peer: string, figure: string): number =>
    median((results.get(peer) ?? []).map((figures) => figures.get(figure) ?? NaN));
  const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
  const rows = names.map((figure) => {
    const ratio = of('mobyvm', figure) / of(REFERENCE, figure);
    return `| ${[figure, ...peers.map(({ name }) => shown(of(name, figure))), ratio.toFixed(2)].join(' | ')} |`;
  });
  const head = ['median', ...peers.map(({ name }) => name), `mobyvm : ${REFERENCE}`];
  return [`| ${head.join(' | ')} |`, `| ${head.map(() => '---').join(' | ')} |`, ...rows].join('\n');
}

async function main(): Promise<void> {
  await mkdir(PROGRAMS, { recursive: true });
  await run(join(ROOT, 'bench/port/get-peers.sh'), [PROGRAMS], { timeoutMs: 300_000 });
  const server = join(PROGRAMS, 'http-answer');
  await run('gcc', ['-O2', '-o', server, join(ROOT, 'bench/port/http-answer.c')]);
  const peers = peersIn(PROGRAMS).filter(({ name }) => only?.includes(name) ?? true);
  await using host = await NetworkNamespace.create('host');
  await using guest = await NetworkNamespace.create('guest');
  await using client = await NetworkNamespace.create('client');
  await connect(
    { namespace: host, device: 'in0', addresses: ['10.0.75.1/24'] },
    { namespace: guest, device: 'in0', addresses: [`${TARGET}/24`] },
  );
  await connect(
    { namespace: host, device: 'out0', addresses: [`${ADDRESS}/24`] },
    { namespace: client, device: 'out0', addresses: ['192.0.2.2/24'] },
  );
  const library = { LD_LIBRARY_PATH: join(PROGRAMS, 'usr/lib/x86_64-linux-gnu') };
  guest.start(join(PROGRAMS, 'usr/bin/iperf3'), ['-s', '-p', String(IPERF_PORT)], library);
  guest.start(server, [String(HTTP_PORT)]);
  const echo = join(ROOT, 'test/fixtures/programs/many-connections.mjs');
  await guest.start(process.execPath, [echo, '-', JSON.stringify({ serve: IDLE_PORT })]).line(/ready/);
  const results = new Map<string, Figures[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const peer of peers) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${peer.name}\n`);
      results.get(peer.name)?.push(await measure(peer, { host, client }));
    }
  const machine = `${cpus().length} CPUs (${cpus()[0]?.model ?? '?'}), Node.js ${process.version}`;
  process.stdout.write(`${machine}; ${rounds} rounds of ${seconds} s\n\n${table(peers, results)}\n`);
}

await main();
