import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DhcpNetwork, SERVER_ADDRESS, VM_ADDRESS } from '../../test/support/dhcp-switch.js';
import type { RunningProgram } from '../../test/support/netns.js';

const ROUNDS = 3;
const SECONDS = 5;
const NAMES = 2_000;
/** More than can be asked in all rounds, so that no cache has them. */
const UNKNOWN_NAMES = 400_000;
const TICKS_PER_SECOND = 100;
const DNSMASQ = [
  '--keep-in-foreground',
  '--conf-file=/dev/null',
  '--pid-file=',
  '--user=root',
  '--no-hosts',
  '--no-resolv',
  '--log-facility=-',
  '--bind-interfaces',
  '--dns-forward-max=2000',
];
const SERVER = {
  address: SERVER_ADDRESS,
  subnet: { network: '10.0.75.0', prefixLength: 24 },
  names: [['moby.mobyvm.internal', VM_ADDRESS]],
  upstreams: [{ address: '127.0.0.53', port: 53 }],
};

interface Peer {
  readonly name: string;
  readonly port: number;
  readonly program: RunningProgram;
  /** Questions of which none was asked before. */
  nextUnknown: number;
}

let network: DhcpNetwork;
let folder: string;
const peers: Peer[] = [];
const report: string[] = [];
const loadBefore = loadavg();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-bench-dns-'));
  network = await DhcpNetwork.create();
  await network.vm.ip('addr', 'replace', `${VM_ADDRESS}/24`, 'dev', 'eth0');
  await start('dnsmasq', ['--listen-address=127.0.0.53', '--address=/#/192.0.2.7', '--local-ttl=600']);
  const ours = await network.host.startNode('dns-server.mjs', { ...SERVER, port: 53 });
  await ours.line(/"event":"ready"/);
  peers.push({ name: 'mobyvm', port: 53, program: ours, nextUnknown: 0 });
  // An earlier state of the sources: a folder with its dns-server.mjs and its compiled `dist`.
  const before = process.env['MOBYVM_BENCH_BEFORE'];
  if (before !== undefined) {
    const program = network.host.start(process.execPath, [
      join(before, 'dns-server.mjs'),
      join(before, 'dist'),
      JSON.stringify({ ...SERVER, port: 5301 }),
    ]);
    await program.line(/"event":"ready"/);
    peers.push({ name: 'mobyvm before', port: 5301, program, nextUnknown: 0 });
  }
  for (const [at, cache] of [0, 10_000].entries()) {
    const port = 5310 + at;
    const program = await start('dnsmasq', [
      `--listen-address=${SERVER_ADDRESS}`,
      `--port=${port}`,
      '--server=127.0.0.53',
      `--cache-size=${cache}`,
    ]);
    const name = cache === 0 ? 'dnsmasq, no cache' : 'dnsmasq, cache';
    peers.push({ name, port, program, nextUnknown: 0 });
  }
}, 60_000);

afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  const load = `load ${loadBefore.map((each) => each.toFixed(1)).join(' ')} before`;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? ''}, Node ${process.version}, ${load}`;
  const text = [machine, '', ...report].join('\n');
  await writeFile(join(import.meta.dirname, '../../build/bench-dns.md'), `${text}\n`);
  process.stdout.write(`${text}\n`);
});

async function start(program: string, args: readonly string[]): Promise<RunningProgram> {
  const running = network.host.start(program, [...DNSMASQ, ...args]);
  await running.line(/dnsmasq\[\d+\]: started/);
  return running;
}

it('answers names that were asked before', { timeout: 300_000 }, async () => {
  const questions = await questionsFile('known', 0, NAMES);
  for (const peer of peers) await load(peer, questions);
  await compare(`${NAMES} names, asked before`, () => Promise.resolve(questions));
});

it('answers names that nobody has asked', { timeout: 300_000 }, async () => {
  const share = Math.floor(UNKNOWN_NAMES / ROUNDS);
  await compare('names that nobody has asked', async (peer) => {
    const from = peer.nextUnknown;
    peer.nextUnknown += share;
    return questionsFile(`unknown-${from}`, from + NAMES, share);
  });
});

/** Rates in turns, so that whatever else the machine does hits all of them. */
async function compare(title: string, questionsFor: (peer: Peer) => Promise<string>): Promise<void> {
  const results = new Map(peers.map((peer) => [peer.name, [] as Result[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const peer of peers) results.get(peer.name)?.push(await load(peer, await questionsFor(peer)));
  }
  const best = (name: string): Result => median(results.get(name) ?? []);
  const reference = best('dnsmasq, no cache');
  report.push(`${title}; 8 clients, median of ${ROUNDS}`, '');
  report.push('| server | queries/s | of dnsmasq without cache | CPU per query | lost |');
  report.push('| --- | --- | --- | --- | --- |');
  for (const { name } of peers) {
    const { perSecond, cpuMicroseconds, lost } = best(name);
    const ratio = (perSecond / reference.perSecond).toFixed(2);
    report.push(
      `| ${name} | ${Math.round(perSecond)} | ${ratio} × | ${cpuMicroseconds.toFixed(0)} µs | ${lost} |`,
    );
    expect(perSecond).toBeGreaterThan(0);
  }
  report.push('');
}

interface Result {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
  readonly lost: number;
}

async function load({ port, program }: Peer, questions: string): Promise<Result> {
  const before = await cpuSeconds(program.pid);
  const { stdout } = await network.vm.run(
    'dnsperf',
    ['-s', SERVER_ADDRESS, '-p', `${port}`, '-d', questions, '-c', '8', '-q', '64', '-l', `${SECONDS}`],
    { timeoutMs: 60_000 },
  );
  const cpu = (await cpuSeconds(program.pid)) - before;
  const figure = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 'NaN');
  const completed = figure(/Queries completed: +(\d+)/);
  return {
    perSecond: figure(/Queries per second: +([\d.]+)/),
    cpuMicroseconds: (cpu / completed) * 1e6,
    lost: figure(/Queries lost: +(\d+)/),
  };
}

function median(results: readonly Result[]): Result {
  const sorted = results.toSorted((a, b) => a.perSecond - b.perSecond);
  return sorted[Math.floor(sorted.length / 2)] ?? { perSecond: NaN, cpuMicroseconds: NaN, lost: NaN };
}

async function questionsFile(name: string, from: number, count: number): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, Array.from({ length: count }, (_, at) => `n${from + at}.example.org A\n`).join(''));
  return path;
}

/** The processor time of a process so far, in user and kernel mode. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
