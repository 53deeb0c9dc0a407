import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DockerdSetting, hasDockerd } from '../../test/support/dockerd.js';
import { testMachine } from '../../test/support/tls-engine.js';
import { download, pings, upload, type Latency } from './load.js';
import {
  hasHaproxy,
  startBackend,
  startHaproxy,
  startMobyvm,
  startSocat,
  straight,
  type Peer,
} from './peers.js';

const ROUNDS = 5;
const PING_SECONDS = 3;
const BODY_BYTES = 1024 ** 3;
/** The time unit in /proc/PID/stat (USER_HZ). */
const TICKS_PER_SECOND = 100;

type Name = Peer['name'];

let folder: string;
let peers: readonly Peer[];
let stopAll: () => Promise<void> = () => Promise.resolve();
const report: string[] = [];
const loadBefore = loadavg();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-bench-'));
  const machine = await testMachine();
  const backend = await startBackend(machine);
  const place = { folder, port: backend.port, machine };
  peers = [
    straight(place),
    await startMobyvm(place),
    ...((await hasHaproxy()) ? [await startHaproxy(place)] : []),
    await startSocat(place),
  ];
  stopAll = async () => {
    for (const { program } of peers) await program?.stop();
    await backend.program.stop();
    await rm(folder, { recursive: true, force: true });
  };
}, 60_000);

afterAll(async () => {
  await stopAll();
  const load = `load ${loadBefore.map((each) => each.toFixed(1)).join(' ')} before`;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? ''}, Node ${process.version}, ${load}`;
  const text = [machine, '', ...report].join('\n');
  await writeFile(join(import.meta.dirname, '../../build/bench-engine.md'), `${text}\n`);
  process.stdout.write(`${text}\n`);
});

it.each([1, 64])('answers /_ping on %i connections', { timeout: 300_000 }, async (connections) => {
  const results = await rounds(({ open }) => pings(open, connections, PING_SECONDS));
  const row = (name: Name, { perSecond, p50Ms, p99Ms }: Latency): string =>
    `| /_ping, ${connections} connections | ${name} | ${perSecond.toFixed(0)}/s, p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms |`;
  for (const [name, all] of results)
    report.push(
      row(
        name,
        median(all, ({ perSecond }) => perSecond),
      ),
    );
  expect(results.get('mobyvm')?.every(({ perSecond }) => perSecond > 0)).toBe(true);
});

it.each([
  ['from the engine', download],
  ['to the engine', upload],
] as const)('carries 1 GiB %s', { timeout: 300_000 }, async (title, carry) => {
  const results = await rounds(async ({ open, program }) => {
    const before = await cpuSeconds(program?.pid);
    const rate = await carry(open, BODY_BYTES);
    return { rate, cpu: (await cpuSeconds(program?.pid)) - before };
  });
  for (const [name, all] of results) {
    const rate = median(all, (each) => each.rate).rate.toFixed(0);
    const { cpu } = median(all, (each) => each.cpu);
    report.push(`| 1 GiB ${title} | ${name} | ${rate} MB/s, ${cpu.toFixed(2)} s of CPU |`);
  }
  expect(results.get('mobyvm')?.every(({ rate }) => rate > 0)).toBe(true);
});

it.runIf(hasDockerd)('runs containers', { timeout: 300_000 }, async () => {
  await using set = await DockerdSetting.start();
  await set.importBusybox('mobyvm-bench/busybox');
  const times = new Map<string, number[]>();
  for (let round = 0; round < 10; round += 1) {
    for (const way of ['straight', 'through'] as const) {
      const startedMs = performance.now();
      await set.docker(way, ['run', '--rm', 'mobyvm-bench/busybox', 'true']);
      times.set(way, [...(times.get(way) ?? []), performance.now() - startedMs]);
    }
  }
  for (const [way, all] of times) {
    report.push(`| docker run --rm | ${way} | ${median(all, (ms) => ms).toFixed(0)} ms |`);
  }
});

/** All peers in turn, several times, so that other activity on the machine affects all of them. */
async function rounds<Result>(measure: (peer: Peer) => Promise<Result>): Promise<Map<Name, Result[]>> {
  const results = new Map<Name, Result[]>();
  for (let round = 0; round < ROUNDS; round += 1)
    for (const peer of peers)
      results.set(peer.name, [...(results.get(peer.name) ?? []), await measure(peer)]);
  return results;
}

/** CPU time used by a process and its exited children; 0 without a process. */
async function cpuSeconds(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  // A child exits a moment after its connection.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_PER_SECOND;
}

function median<Result>(all: readonly Result[], value: (result: Result) => number): Result {
  return [...all].sort((a, b) => value(a) - value(b))[Math.floor(all.length / 2)]!;
}
