import { request } from 'node:http';
import { z } from 'zod';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import type { Evidence, Probe } from './probe.js';

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const SECONDS = 15;
/** The engine adds up the files of all containers. */
const DISK_SECONDS = 30;

const number = z.number().nullish();
const containers = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()).nullish(),
    Image: z.string().nullish(),
    State: z.string().nullish(),
    Status: z.string().nullish(),
    Ports: z.array(z.unknown()).nullish(),
    Mounts: z
      .array(
        z.object({
          Type: z.string().nullish(),
          Source: z.string().nullish(),
          Destination: z.string().nullish(),
        }),
      )
      .nullish(),
  }),
);
const networks = z.array(
  z.object({
    Name: z.string(),
    Driver: z.string().nullish(),
    Scope: z.string().nullish(),
    IPAM: z.unknown(),
  }),
);
const sized = z
  .array(z.object({ Size: number, SizeRw: number, UsageData: z.object({ Size: number }).nullish() }))
  .nullish();
const diskUse = z.object({
  LayersSize: number,
  Images: sized,
  Containers: sized,
  Volumes: sized,
  BuildCache: sized,
});

/** What the Docker Engine says of itself, at its endpoint on the host. */
export function engineProbes(endpoint: string): readonly Probe[] {
  return QUESTIONS.map(([id, title, path, pick, seconds]) => ({
    id,
    title,
    group: 'engine',
    seconds,
    look: async (signal): Promise<Evidence> => ({ data: pick(await answerOf(endpoint, path, signal)) }),
  }));
}

type Question = readonly [
  id: string,
  title: string,
  path: string,
  /** What of the answer is kept: no labels, commands or environment, which belong to the user's programs. */
  pick: (answer: unknown) => unknown,
  seconds: number,
];

const QUESTIONS: readonly Question[] = [
  ['engine-version', 'Engine version', '/version', (answer) => answer, SECONDS],
  ['engine-info', 'Engine', '/info', (answer) => answer, SECONDS],
  ['containers', 'Containers', '/containers/json?all=1', (answer) => containers.parse(answer), SECONDS],
  ['engine-networks', 'Networks of the engine', '/networks', (answer) => networks.parse(answer), SECONDS],
  [
    'engine-disk',
    'Disk use in the VM',
    '/system/df',
    (answer) => usageOf(diskUse.parse(answer)),
    DISK_SECONDS,
  ],
];

function usageOf({ LayersSize, Images, Containers, Volumes, BuildCache }: z.infer<typeof diskUse>): unknown {
  const sum = (each: z.infer<typeof sized>): { count: number; bytes: number } => ({
    count: each?.length ?? 0,
    bytes: (each ?? []).reduce(
      (all, { Size, SizeRw, UsageData }) => all + (SizeRw ?? Size ?? UsageData?.Size ?? 0),
      0,
    ),
  });
  return {
    layers: { bytes: LayersSize ?? 0 },
    images: sum(Images),
    containers: sum(Containers),
    volumes: sum(Volumes),
    buildCache: sum(BuildCache),
  };
}

async function answerOf(endpoint: string, path: string, signal: AbortSignal): Promise<unknown> {
  const { status, text } = await get(endpoint, path, signal);
  if (status === 200) return JSON.parse(text);
  throw new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `GET ${path}: status ${status}, ${text.slice(0, 1_000)}`,
    '',
  );
}

function get(
  endpoint: string,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: endpoint, path, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) response.destroy(tooLongError(path));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    sent.once('error', (error) => reject(isNobody(error) ? nobodyError(endpoint, error) : error));
    sent.end();
  });
}

function isNobody(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED', 'ENAMETOOLONG', 'EINVAL'].includes(errnoOf(error) ?? '');
}

function nobodyError(endpoint: string, cause: Error): MobyvmError {
  const message = `The daemon is not running: nothing listens at ${endpoint} (${textOf(cause)}).`;
  return new MobyvmError('MOBYVM_DAEMON_NOT_RUNNING', message, 'Start it with `mobyvm up`.', { cause });
}

function tooLongError(path: string): MobyvmError {
  return new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', `The answer to GET ${path} is too long.`, '');
}
