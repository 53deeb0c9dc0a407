import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkNamespace } from '../../test/support/netns.js';
import type { RunningProgram } from '../../test/support/netns-program.js';
import { ADDRESS } from './peers.js';

export const IPERF_PORT = 5201;
export const HTTP_PORT = 5202;
export const IDLE_PORT = 5203;

export interface LoadOptions {
  readonly client: NetworkNamespace;
  readonly programs: string;
  readonly seconds: number;
}

/** One peer's figures in one round, by name. */
export type Figures = Map<string, number>;

/** Gbit/s as seen by the receiver. */
export async function iperf(options: LoadOptions, streams: number, isDownload: boolean): Promise<number> {
  const args = ['-c', ADDRESS, '-p', IPERF_PORT, '-P', streams, '-t', options.seconds, '-J'];
  const { stdout } = await inClient(options, 'iperf3', [...args, ...(isDownload ? ['-R'] : [])]);
  const report = JSON.parse(stdout) as { end?: { sum_received?: { bits_per_second?: number } } };
  return (report.end?.sum_received?.bits_per_second ?? 0) / 1e9;
}

/** Requests per second, and their 99th percentile latency in ms. */
export async function wrk(
  options: LoadOptions,
  isClosing: boolean,
): Promise<{ perSecond: number; p99: number }> {
  const header = isClosing ? ['-H', 'Connection: close'] : [];
  const args = ['-t', 1, '-c', 32, '-d', options.seconds, '--latency', ...header];
  const { stdout } = await inClient(options, 'wrk', [...args, `http://${ADDRESS}:${HTTP_PORT}/`]);
  const [, p99 = '0', unit = 'ms'] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0);
  return { perSecond, p99: Number(p99) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? 1) };
}

/** Bytes of memory that each idle connection costs the peer's processes. */
export async function idle(
  { client }: LoadOptions,
  connections: number,
  processes: () => Promise<readonly number[]>,
): Promise<number> {
  const before = await memoryOf(await processes());
  const program = join(import.meta.dirname, '../../../../test/fixtures/programs/many-connections.mjs');
  const config = JSON.stringify({ to: ADDRESS, port: IDLE_PORT, count: connections });
  await using many = client.start(process.execPath, [program, '-', config]);
  await many.line(/^open \d+ lost 0$/, 120);
  const after = await memoryOf(await processes());
  return (after - before) / connections;
}

/** CPU time that processes have used, in ms. */
export async function cpuOf(programs: readonly RunningProgram[]): Promise<number> {
  const times = await Promise.all(
    programs.map(async ({ pid }) => {
      const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
      return Number(fields[11]) + Number(fields[12]);
    }),
  );
  return times.reduce((sum, time) => sum + time, 0) * 10;
}

async function memoryOf(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function inClient(
  { client, programs, seconds }: LoadOptions,
  name: string,
  args: readonly (string | number)[],
) {
  const env = { ...process.env, LD_LIBRARY_PATH: join(programs, 'usr/lib/x86_64-linux-gnu') };
  return client.run(join(programs, 'usr/bin', name), args.map(String), {
    env,
    timeoutMs: seconds * 1000 + 60_000,
    acceptExitCodes: [0, 1],
  });
}
