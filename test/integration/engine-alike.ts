import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import Docker from 'dockerode';
import { beforeAll, expect, it } from 'vitest';
import type { DockerdSetting, Way } from '../support/dockerd.js';

const IMAGE = 'mobyvm-test/busybox';
const composeFile = (site: string): object => ({
  version: '2.4',
  services: {
    store: {
      build: { context: '.', args: { GREETING: 'hello' } },
      image: 'mobyvm-test/store',
      command: ['sh', '-c', 'echo ready >/data/state; sleep 1000000'],
      volumes: ['data:/data', `${site}:/site:ro`],
      networks: { inner: { aliases: ['db'] } },
      healthcheck: { test: ['CMD', 'cat', '/data/state'], interval: '1s', timeout: '5s', retries: 60 },
      stop_grace_period: '0s',
    },
    reader: {
      image: IMAGE,
      command: ['cat', '/data/state'],
      volumes: ['data:/data'],
      networks: ['inner'],
      depends_on: { store: { condition: 'service_healthy' } },
      environment: { SPELLED: 'ü "quoted" $$' },
    },
  },
  volumes: { data: { labels: { kind: 'test' } } },
  networks: { inner: { driver: 'bridge', ipam: { config: [{ subnet: '172.29.0.0/24' }] } } },
});
let set: DockerdSetting;

/** Without what differs from one run to the next: ids, times, process ids, and what the kernel gives. */
function normal(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID')
    .replaceAll(/\b[0-9a-f]{12}\b/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replaceAll(/"(?:Pid|Size|VirtualSize|Created|time|timeNano|SizeRw)":\d+/g, '"NUMBER":0')
    .replaceAll(/"Status":"(Up|Exited \(\d+\)) [^"]*"/g, '"Status":"$1"')
    .replaceAll(/"MacAddress":"[0-9a-f:]+"/g, '"MacAddress":""')
    .replaceAll('C:\\\\site', '/C/site');
  // The engine, or compose 1.29, gives these in any order.
  return JSON.parse(text, (key, each: unknown) =>
    Array.isArray(each) && ['Aliases', 'Binds', 'Mounts'].includes(key)
      ? each.map((item) => JSON.stringify(item)).sort()
      : each,
  );
}

interface Inspected {
  readonly State?: { Health?: unknown };
  ExecIDs?: unknown;
}

async function inspected(way: Way, ...names: readonly string[]): Promise<unknown> {
  const { stdout } = await set.docker(way, ['inspect', ...names]);
  return (JSON.parse(stdout) as Inspected[]).map(normalContainer);
}

function normalContainer(container: Inspected): unknown {
  // How many health checks there were, and whether a command runs just now, is a matter of time.
  if (container.State?.Health !== undefined) container.State.Health = {};
  if (container.ExecIDs !== undefined) container.ExecIDs = null;
  return normal(container);
}

/** Both ways one after the other, so that both use the same names. */
async function alike(work: (way: Way) => Promise<unknown>): Promise<unknown> {
  const straight = await work('straight');
  const through = await work('through');
  expect(through).toEqual(straight);
  return straight;
}

/** The same work of docker compose and of dockerode, straight and through the endpoint. */
export function alikeTests(setting: () => DockerdSetting): void {
  beforeAll(() => {
    set = setting();
  });
  it(
    'docker compose builds, creates, waits for health, starts and removes a project',
    { timeout: 240_000 },
    async () => {
      const folder = join(set.folder, 'alike');
      await mkdir(folder);
      await writeFile(
        join(folder, 'Dockerfile'),
        `FROM ${IMAGE}\nARG GREETING\nLABEL greeting=$GREETING\nCOPY greeting /greeting\n`,
      );
      await writeFile(join(folder, 'greeting'), 'hello\n');
      const seen = await alike(async (way) => {
        const run = (...args: readonly string[]): Promise<string> =>
          set
            .compose(way, ['-f', join(folder, 'compose.yml'), '-p', 'alike', ...args])
            .then(({ stdout }) => stdout);
        const site = way === 'through' ? 'C:\\site' : '/C/site';
        await writeFile(join(folder, 'compose.yml'), JSON.stringify(composeFile(site)));
        await run('build', '--no-cache');
        await run('up', '-d');
        await set.docker(way, ['wait', await run('ps', '-q', 'reader').then((id) => id.trim())]);
        const all = {
          logs: await run('logs', '--no-color', 'reader'),
          images: normal(await run('config')),
          file: await run('exec', '-T', 'store', 'cat', '/site/hello', '/greeting'),
          objects: await inspected(way, 'alike_inner', 'mobyvm-test/store'),
          volume: normal(JSON.parse((await set.docker(way, ['volume', 'inspect', 'alike_data'])).stdout)),
          store: await inspected(way, await run('ps', '-q', 'store').then((id) => id.trim())),
          reader: await inspected(way, await run('ps', '-q', 'reader').then((id) => id.trim())),
        };
        await run('down', '-v', '--rmi', 'local');
        return { ...all, left: await run('ps', '-q') };
      });
      expect(seen).toMatchObject({
        logs: expect.stringContaining('ready') as string,
        file: 'from the host\nhello\n',
        left: '',
      });
    },
  );

  it('dockerode creates, attaches, executes, copies, follows, commits and removes', async () => {
    await alike(async (way) => {
      const docker = new Docker({ socketPath: set.socket(way) });
      const volume = await docker.createVolume({ Name: 'alike-volume', Labels: { a: 'b' } });
      const container = await docker.createContainer({
        name: 'alike',
        Image: IMAGE,
        Cmd: ['sh', '-c', 'cat; echo done; sleep 1000000'],
        OpenStdin: true,
        StdinOnce: true,
        HostConfig: { Binds: ['/C/site:/site', 'alike-volume:/data:ro'], Memory: 64 * 1024 * 1024 },
      });
      const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
      const lines = new PassThrough();
      docker.modem.demuxStream(stream, lines, lines);
      await container.start();
      stream.end('typed\n');
      let output = '';
      for await (const chunk of lines as AsyncIterable<Buffer>) {
        output += chunk.toString();
        if (output.endsWith('done\n')) break;
      }
      const exec = await container.exec({ Cmd: ['cat', '/site/hello', '/missing'], AttachStdout: true });
      const execStream = await exec.start({});
      execStream.resume();
      await once(execStream, 'end');
      const { ExitCode } = await exec.inspect();
      const archive: Buffer[] = [];
      const tar = await container.getArchive({ path: '/site/hello' });
      for await (const chunk of tar as AsyncIterable<Buffer>) archive.push(chunk);
      const inspect = normalContainer(await container.inspect());
      const listed = normal(await docker.listContainers({ all: true, filters: { name: ['alike'] } }));
      const failure: unknown = await docker
        .createContainer({ Image: 'nosuch' })
        .catch((error: unknown) => error);
      const top = ((await container.top()) as { Titles: readonly string[] }).Titles;
      await container.commit({ repo: 'alike-image', comment: 'a comment' });
      const history = (await docker.getImage('alike-image').inspect()).Comment;
      await container.kill();
      const logs = (await container.logs({ stdout: true })).toString('latin1');
      await container.remove();
      await docker.getImage('alike-image').remove();
      await volume.remove();
      return {
        ...{ output, ExitCode, archive: Buffer.concat(archive).toString('latin1'), inspect, listed },
        ...{ failure: String(failure), top, history, logs },
      };
    });
  });
}
