import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sleep, waitFor } from '../../src/core/host/index.js';
import { inGuest } from '../../test/support/guest-shell.js';
import { Instance } from '../../test/support/instance.js';
import { copyProgram } from '../../test/support/vm/tool-image.js';
import { BUSYBOX, startMachine } from '../../test/support/vm/started-machine.js';

/**
 * From a change on the host to the inotify event in a container: by the kernel module, and by setting mode and time of
 * the file, as Docker's classic relay does. The latency is what a development server waits before it reloads.
 */
const CHANGES = Math.max(20, Number(process.env['MOBYVM_BENCH_CHANGES'] ?? 40));
/** Files that are changed as fast as possible, once each. */
const BURST = Number(process.env['MOBYVM_BENCH_BURST'] ?? 2_000);
/** Long enough that no change is merged with the one before. */
const PAUSE_MS = 250;
const LATEST_MS = 15_000;
/** A burst has arrived when nothing more has come for so long. */
const QUIET_MS = 3_000;

interface Figures {
  readonly latencies: readonly number[];
  readonly arrived: number;
  readonly perSecond: number;
  readonly hostPerSecond: number;
}

const now = (): number => performance.timeOrigin + performance.now();
let instance: Instance;
let app: string;
let watcher: ChildProcessWithoutNullStreams;
/** First event of each file since it was last cleared, in milliseconds of the VM's clock. */
const seen = new Map<string, number>();
let clockLine: ((guestMs: number) => void) | undefined;

beforeAll(async () => {
  instance = await Instance.create({ log: { level: 'debug' } });
  const share = join(instance.directory, 'share');
  app = join(share, 'app');
  await mkdir(app, { recursive: true });
  for (let at = 0; at < BURST; at++) await writeFile(join(app, `f${at}`), 'x\n');
  const tools = join(share, 'tools');
  await copyProgram(tools, process.execPath);
  await cp(join(import.meta.dirname, 'event-watcher.cjs'), join(tools, 'event-watcher.cjs'));
  const added = await instance.mobyvm(['share', 'add', 'C', '--path', share]);
  expect(added.stderr).toBe('');
  await startMachine(instance);
  await startWatcher();
}, 1_200_000);
afterAll(async () => {
  watcher.kill();
  await instance[Symbol.asyncDispose]();
});

async function startWatcher(): Promise<void> {
  const libraries = '/tools/lib/x86_64-linux-gnu:/tools/usr/lib/x86_64-linux-gnu';
  const node = [
    '/tools/lib64/ld-linux-x86-64.so.2',
    '--library-path',
    libraries,
    `/tools${process.execPath}`,
  ];
  const binds = ['-v', 'C:\\tools:/tools:ro', '-v', 'C:\\app:/app'];
  watcher = spawn('docker', [
    ...['-H', `unix://${instance.socket}`, 'run', '--rm', '-i', '--name', 'watcher', ...binds, BUSYBOX],
    ...[...node, '/tools/event-watcher.cjs', '/app'],
  ]);
  watcher.stderr.pipe(process.stderr);
  let isWatching = false;
  createInterface({ input: watcher.stdout }).on('line', (line) => {
    const [what, first = '', second = ''] = line.split(' ');
    if (what === 'watching') isWatching = true;
    else if (what === 'clock') clockLine?.(Number(first));
    else if (what === 'event' && !seen.has(first)) seen.set(first, Number(second));
  });
  await until('the watcher', () => Promise.resolve(isWatching));
  await logged(/"share.events.watching","count":[12]/);
}

function until(title: string, check: () => Promise<boolean>): Promise<void> {
  const requirement = { title, timeoutSeconds: 300, hint: 'See the measurement.', check };
  return waitFor(requirement, new AbortController().signal);
}

function logged(record: RegExp): Promise<void> {
  const log = join(instance.directory, 'log/daemon.log');
  return until(`${String(record)} in the log`, async () => record.test(await readFile(log, 'utf8')));
}

/** How far the VM's clock is ahead of the host's: of many questions, the one that was answered fastest. */
async function clockOffset(): Promise<number> {
  let best = { roundTrip: Infinity, offset: 0 };
  for (let round = 0; round < 50; round++) {
    const sent = now();
    const answer = new Promise<number>((resolve) => {
      clockLine = resolve;
    });
    watcher.stdin.write('?\n');
    const guestMs = await answer;
    const received = now();
    if (received - sent < best.roundTrip)
      best = { roundTrip: received - sent, offset: guestMs - (sent + received) / 2 };
  }
  process.stdout.write(
    `clock of the VM: ${best.offset.toFixed(2)} ms ahead, known to ${(best.roundTrip / 2).toFixed(2)} ms\n`,
  );
  return best.offset;
}

async function measured(): Promise<Figures> {
  const offset = await clockOffset();
  const latencies: number[] = [];
  for (let at = 0; at < CHANGES; at++) {
    seen.clear();
    const name = `f${at % BURST}`;
    const changed = now();
    appendFileSync(join(app, name), 'y\n');
    while (!seen.has(name) && now() < changed + LATEST_MS) await sleep(5);
    // One that does not arrive counts as the longest wait.
    latencies.push((seen.get(name) ?? changed + offset + LATEST_MS) - offset - changed);
    await sleep(PAUSE_MS);
  }
  seen.clear();
  const begun = now();
  for (let at = 0; at < BURST; at++) appendFileSync(join(app, `f${at}`), 'z\n');
  const written = now();
  for (let before = -1; before !== seen.size;) {
    before = seen.size;
    await sleep(QUIET_MS);
  }
  const last = Math.max(...seen.values()) - offset;
  const arrived = [...seen.keys()].filter((name) => /^f\d+$/.test(name)).length;
  return {
    latencies,
    arrived,
    perSecond: arrived / ((last - begun) / 1_000),
    hostPerSecond: BURST / ((written - begun) / 1_000),
  };
}

/** @param share of the sorted values that are at most the result */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Leaves the guest's program without its module, as on a kernel that it was not built for. */
async function removeModule(): Promise<void> {
  const script = `
busybox nsenter -t 1 -m sh -c 'mkdir /run/none; mount --bind /run/none "/lib/modules/$(uname -r)/extra"'
for i in $(seq 20); do
  kill $(pidof share-events)
  rmmod mobyvm_fsnotify && break
  sleep 0.3
done
`;
  await inGuest(instance, BUSYBOX, script);
  await logged(/"mechanism":"touch"/);
}

it(
  'measures how soon and how many changes of the host arrive in a container',
  { timeout: 3_600_000 },
  async () => {
    const rows: string[] = [];
    for (const mechanism of ['module', 'touch'] as const) {
      if (mechanism === 'touch') await removeModule();
      else await logged(/"mechanism":"module"/);
      const { latencies, arrived, perSecond, hostPerSecond } = await measured();
      const cells = [quantile(latencies, 0.5), quantile(latencies, 0.95)].map((ms) => `${ms.toFixed(1)} ms`);
      const rates = [`${arrived} of ${BURST}`, perSecond.toFixed(0), hostPerSecond.toFixed(0)];
      rows.push(`| ${[mechanism, ...cells, ...rates].join(' | ')} |`);
      process.stdout.write(`${mechanism}: ${JSON.stringify(latencies.map((ms) => Number(ms.toFixed(1))))}\n`);
      expect(latencies.length).toBeGreaterThanOrEqual(20);
      expect(arrived).toBeGreaterThan(0);
    }
    const table = [
      `| ${CHANGES} changes | median | 95 % | burst, files that arrive | changes/s that arrive | changes/s of the host |`,
      `| --- |${' ---: |'.repeat(5)}`,
      ...rows,
      '',
    ].join('\n');
    await mkdir('build', { recursive: true });
    await writeFile('build/bench-share-events.md', table);
    process.stdout.write(`\n${table}`);
    watcher.stdin.end();
    await instance.docker(['rm', '--force', 'watcher']);
    if (watcher.exitCode === null) await once(watcher, 'exit');
  },
);
