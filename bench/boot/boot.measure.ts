import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sleep } from '../../src/core/host/index.js';
import { machineStatus, type MachineStatus } from '../../src/protocol/messages.js';
import { Instance, makeBusyboxImage } from '../../test/support/instance.js';

/**
 * How long a VM takes to come up with a running container: booted, and resumed from its saved memory. The container stands
 * for what a user has started: it comes back by its restart policy, or just runs on.
 */
const ROUNDS = Number(process.env['MOBYVM_BENCH_ROUNDS'] ?? 5);
const IMAGE = 'mobyvm-busybox';

interface Round {
  /** From the start of the command until it has ended, seconds. */
  readonly upSeconds: number;
  /** From the start of `up` until the engine has answered a request that waited for it, seconds. */
  readonly engineSeconds: number;
  readonly containerSeconds: number;
  readonly downSeconds: number;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1_000;
}

/** `up`, with a client that asks the engine's endpoint from its first moment on. */
async function measuredUp(instance: Instance): Promise<Omit<Round, 'downSeconds'>> {
  const startedMs = performance.now();
  const since = (): number => (performance.now() - startedMs) / 1_000;
  const pinging = untilAnswer(instance).then(since);
  const running = pinging.then(() => untilRunning(instance)).then(since);
  await instance.up();
  return { upSeconds: since(), engineSeconds: await pinging, containerSeconds: await running };
}

/** The endpoint lets a client wait while the VM starts; before that there is no endpoint. */
async function untilAnswer({ socket }: Instance): Promise<void> {
  while (!(await answers(socket))) await sleep(20);
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });
}

async function untilRunning(instance: Instance): Promise<void> {
  while (!(await instance.docker(['ps', '--format', '{{.Names}}'])).includes('kept')) continue;
}

function median(values: readonly number[]): string {
  return (values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN).toFixed(1);
}

type GuestStages = NonNullable<MachineStatus['timings']>['guest'];

/** What the guest reported during the boot that has just ended. */
async function guestStages(instance: Instance): Promise<GuestStages> {
  return machineStatus.parse(await instance.status()).timings?.guest ?? [];
}

/** The guest's uptime at the first report of each stage; a stage that one boot lacks is left out. */
function stageTable(boots: readonly GuestStages[]): readonly string[] {
  const names = [...new Set(boots[0]?.map(({ stage }) => stage))];
  const uptimes = (name: string): number[] =>
    boots.flatMap((boot) => boot.find(({ stage }) => stage === name)?.uptimeSeconds ?? []);
  return names
    .filter((name) => uptimes(name).length === boots.length)
    .map((name) => `| ${name} | ${median(uptimes(name))} |`);
}

it('compares a boot with a resumed VM', { timeout: 10_800_000 }, async () => {
  await using instance = await Instance.create({ engine: { waitSeconds: 600 } });
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  await instance.docker(['run', '-d', '--name', 'kept', '--restart=always', IMAGE, 'sleep', '1000000']);
  await instance.mobyvm(['down', '--stop']);
  const rounds: Record<'booted' | 'resumed', Round[]> = { booted: [], resumed: [] };
  const boots: GuestStages[] = [];
  const load = loadavg()[0] ?? NaN;
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    // Of the two ways down, each comes before the other way up.
    const booted = await measuredUp(instance);
    boots.push(await guestStages(instance));
    const saving = await timed(() => instance.mobyvm(['down']));
    bytes = (await stat(join(instance.directory, 'state/vm/memory.saved'))).size;
    const resumed = await measuredUp(instance);
    const stopping = await timed(() => instance.mobyvm(['down', '--stop']));
    rounds.booted.push({ ...booted, downSeconds: stopping });
    rounds.resumed.push({ ...resumed, downSeconds: saving });
    process.stdout.write(
      `${JSON.stringify({ booted: rounds.booted.at(-1), resumed: rounds.resumed.at(-1) })}\n`,
    );
  }
  const row = (name: 'booted' | 'resumed'): string => {
    const of = (figure: keyof Round): string => median(rounds[name].map((round) => round[figure]));
    return `| ${[name, of('engineSeconds'), of('upSeconds'), of('containerSeconds'), of('downSeconds')].join(' | ')} |`;
  };
  const table = [
    `| median of ${ROUNDS}, seconds | engine answers | \`up\` ends | container runs | \`down\` |`,
    '| --- | ---: | ---: | ---: | ---: |',
    row('booted'),
    row('resumed'),
    '\n| stage of the boot | guest uptime, s |\n| --- | ---: |',
    ...stageTable(boots),
    `\nThe saved memory takes ${Math.round(bytes / 1024 ** 2)} MiB. Load at the start: ${load.toFixed(1)}\n`,
  ].join('\n');
  await mkdir('build', { recursive: true });
  await writeFile('build/bench-boot.md', table);
  process.stdout.write(`\n${table}`);
  expect(await readFile('build/bench-boot.md', 'utf8')).not.toContain('NaN');
});
