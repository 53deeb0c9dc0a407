import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { run, waitFor, type RunOptions, type RunResult } from '../../src/core/host/index.js';
import { errnoOf } from '../../src/core/values/index.js';
import { ENGINE_SERVER_NAME } from '../../src/proxy/engine/index.js';
import { compose } from './compose.js';
import { NetworkNamespace, RunningProgram } from './netns.js';
import { registerControlGroup } from './test-run.js';
import { credentialsOf, testMachine, writeCredentials } from './tls-engine.js';

/** Filled by `use_docker_engine` in scripts/lib/steps.sh. */
const TOOLS = resolve(import.meta.dirname, '../../build/tools/engine');
const PORT = 2376;
const CONTROL_GROUP = `mvi${process.pid}`;
const APPLETS = ['sh', 'cat', 'echo', 'sleep', 'sort', 'head', 'yes', 'stty', 'tail', 'ls', 'true', 'wc'];

export const hasDockerd = await readFile(join(TOOLS, 'complete')).then(
  () => true,
  () => false,
);

const STATS = z.looseObject({
  open: z.number(),
  tunnels: z.number(),
  bufferedBytes: z.number(),
  bytesToClient: z.number(),
  residentBytes: z.number(),
});

/** Which way a client takes: through mobyvm's endpoint, or straight to the engine's own socket. */
export type Way = 'through' | 'straight';
type EndpointStats = z.infer<typeof STATS>;

/** An endpoint of mobyvm in a process of its own. */
export class RunningEndpoint {
  readonly socket: string;
  readonly #program: RunningProgram;

  constructor(socket: string, program: RunningProgram) {
    this.socket = socket;
    this.#program = program;
  }

  async stats(): Promise<EndpointStats> {
    const from = this.#program.lines.length;
    this.#program.send('stats');
    return STATS.parse(JSON.parse(await this.#program.line(/"event":"stats"/, 120, from)));
  }

  async stop(): Promise<void> {
    await this.#program.stop();
  }
}

/**
 * A real Docker Engine in a network namespace of its own, and mobyvm's endpoint in front of it: mutual TLS between the
 * two. The engine has a root of its own, in which `/C/site` is a folder, as the VM has it; the rest is the host's.
 */
export class DockerdSetting implements AsyncDisposable {
  readonly folder: string;
  readonly #namespace: NetworkNamespace;
  readonly #dockerd: RunningProgram;
  readonly #openEndpoint: (name: string) => Promise<RunningEndpoint>;
  readonly #endpoint: RunningEndpoint;

  private constructor(
    folder: string,
    namespace: NetworkNamespace,
    parts: {
      readonly dockerd: RunningProgram;
      readonly endpoint: RunningEndpoint;
      readonly openEndpoint: (name: string) => Promise<RunningEndpoint>;
    },
  ) {
    this.folder = folder;
    this.#namespace = namespace;
    this.#dockerd = parts.dockerd;
    this.#endpoint = parts.endpoint;
    this.#openEndpoint = parts.openEndpoint;
  }

  static async start(): Promise<DockerdSetting> {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-it-dockerd-'));
    const namespace = await NetworkNamespace.create('engine');
    try {
      const machine = await testMachine();
      const files = { ca: machine.ca.certificate, cert: machine.server.certificate, key: machine.server.key };
      for (const [name, text] of Object.entries(files))
        await writeFile(join(folder, `${name}.pem`), text, { mode: 0o600 });
      const credentials = await writeCredentials(folder, credentialsOf(machine));
      await makeClientFolder(folder);
      registerControlGroup(CONTROL_GROUP);
      const dockerd = startDockerd(folder, namespace);
      await dockerd.line(/API listen on \/.*it-dockerd.*docker\.sock/, 120);
      const openEndpoint = async (name: string): Promise<RunningEndpoint> => {
        const path = join(folder, `${name}.sock`);
        const program = await namespace.startNode('engine-endpoint.mjs', {
          path,
          address: { host: '127.0.0.1', port: PORT },
          credentials,
          servername: ENGINE_SERVER_NAME,
          sharedDrives: ['C'],
        });
        await program.line(/"event":"ready"/);
        return new RunningEndpoint(path, program);
      };
      const endpoint = await openEndpoint('endpoint');
      return new DockerdSetting(folder, namespace, { dockerd, endpoint, openEndpoint });
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  socket(way: Way): string {
    return way === 'through' ? this.#endpoint.socket : join(this.folder, 'docker.sock');
  }

  env(way: Way): Record<string, string | undefined> {
    return {
      ...process.env,
      DOCKER_HOST: `unix://${this.socket(way)}`,
      DOCKER_CONFIG: join(this.folder, 'client'),
    };
  }

  /** The docker client of this machine, or the engine's own. */
  docker(way: Way, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run('docker', args, { timeoutMs: 50_000, ...options, env: { ...this.env(way), ...options.env } });
  }

  /** The client that came with the engine: it has BuildKit in it, or as a plugin. */
  build(way: Way, args: readonly string[], buildKit: boolean): Promise<RunResult> {
    return run(join(TOOLS, 'usr/bin/docker'), ['build', ...args], {
      timeoutMs: 50_000,
      env: { ...this.env(way), DOCKER_BUILDKIT: buildKit ? '1' : '0' },
    });
  }

  compose(way: Way, args: readonly string[]): Promise<RunResult> {
    return compose(args, {
      timeoutMs: 50_000,
      // 1.29 takes a path of Windows for one only where it is told that it runs there.
      env: { ...this.env(way), COMPOSE_FORCE_WINDOWS_HOST: way === 'through' ? '1' : '' },
    });
  }

  /** An image with the host's busybox, made without a registry. */
  async importBusybox(image: string): Promise<void> {
    const root = join(this.folder, 'image');
    await mkdir(join(root, 'bin'), { recursive: true });
    const busybox = (await run('which', ['busybox'])).stdout.trim();
    await copyFile(busybox, join(root, 'bin/busybox'));
    for (const name of APPLETS) await symlink('busybox', join(root, 'bin', name));
    await run('tar', ['-C', root, '-cf', join(this.folder, 'image.tar'), '.']);
    await this.docker('through', ['import', join(this.folder, 'image.tar'), image]);
  }

  stats(): Promise<EndpointStats> {
    return this.#endpoint.stats();
  }

  /** One more, whose counters nobody else moves. It ends with the rest. */
  anotherEndpoint(): Promise<RunningEndpoint> {
    return this.#openEndpoint('another');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endpoint.stop();
    const { stdout } = await this.docker('straight', ['ps', '-aq']).catch(() => ({ stdout: '' }));
    const containers = stdout.split('\n').filter((id) => id !== '');
    if (containers.length > 0)
      await this.docker('straight', ['rm', '-f', ...containers]).catch(() => undefined);
    await this.#dockerd.stop();
    await this.#namespace[Symbol.asyncDispose]();
    await removeControlGroups();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Mounts are made in a namespace of its own and end with it; so does the root with the drive in it. */
const IN_OWN_ROOT = `
set -e
mount -t tmpfs tmpfs "$1/root"
for each in /*; do
  name=\${each#/}
  if [ -L "$each" ]; then cp -P "$each" "$1/root/$name"
  elif [ -d "$each" ]; then mkdir "$1/root/$name"; fi
done
mkdir -p "$1/root/C/site" "$1/root/old"
echo 'from the host' >"$1/root/C/site/hello"
for each in /*; do
  name=\${each#/}
  if [ -d "$each" ] && [ ! -L "$each" ]; then
    case $name in run) mount -t tmpfs tmpfs "$1/root/run" ;; proc | sys | dev) mount --rbind "$each" "$1/root/$name" ;; *) mount --bind "$each" "$1/root/$name" ;; esac
  fi
done
cd "$1/root"
pivot_root . old
umount -l /old
cd /
shift
exec "$@"
`;

function startDockerd(folder: string, namespace: NetworkNamespace): RunningProgram {
  const path = `${join(TOOLS, 'usr/bin')}:${join(TOOLS, 'usr/sbin')}:${process.env['PATH'] ?? ''}`;
  const dockerd = [
    join(TOOLS, 'usr/sbin/dockerd'),
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'dockerd.pid'), '--storage-driver', 'vfs'],
    ...['--cgroup-parent', `/${CONTROL_GROUP}`],
    ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
    // The place of its socket in the VM, which containers mount; /run is its own.
    ...['-H', 'unix:///var/run/docker.sock'],
    ...['-H', `unix://${join(folder, 'docker.sock')}`, '-H', `tcp://127.0.0.1:${PORT}`, '--tlsverify'],
    ...['--tlscacert', join(folder, 'ca.pem'), '--tlscert', join(folder, 'cert.pem')],
    ...['--tlskey', join(folder, 'key.pem')],
  ];
  // Not `ip netns exec`: it puts a fresh /sys over the one that has the control groups.
  return new RunningProgram(
    'nsenter',
    [
      `--net=/run/netns/${namespace.name}`,
      ...[
        'unshare',
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        IN_OWN_ROOT,
        'sh',
        folder,
        ...dockerd,
      ],
    ],
    { PATH: path },
  );
}

/** dockerd leaves its empty groups behind, in each hierarchy of cgroups(7) version 1, or in the one of version 2. */
async function removeControlGroups(): Promise<void> {
  const root = '/sys/fs/cgroup';
  const hierarchies = [root, ...(await readdir(root)).map((name) => join(root, name))];
  for (const hierarchy of hierarchies) await removeGroup(join(hierarchy, CONTROL_GROUP));
}

/** Its files are the kernel's and go with it. */
async function removeGroup(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(group, entry.name));
  const check = (): Promise<boolean> =>
    rmdir(group).then(
      () => true,
      (error: unknown) => {
        // What was killed may take a moment to leave it.
        if (errnoOf(error) !== 'EBUSY') throw error;
        return false;
      },
    );
  await waitFor(
    { title: `${group} to be empty`, timeoutSeconds: 120, hint: '', everyMs: 50, check },
    new AbortController().signal,
  );
}

async function makeClientFolder(folder: string): Promise<void> {
  await mkdir(join(folder, 'root'));
  await mkdir(join(folder, 'client/cli-plugins'), { recursive: true });
  await writeFile(join(folder, 'client/config.json'), '{}');
  const plugin = join(TOOLS, 'usr/libexec/docker/cli-plugins/docker-buildx');
  await symlink(plugin, join(folder, 'client/cli-plugins/docker-buildx'));
}
