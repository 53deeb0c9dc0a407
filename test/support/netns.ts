import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run, type RunOptions, type RunResult } from '../../src/core/host/index.js';
import { errnoOf } from '../../src/core/values/index.js';
import { compiledSource } from './compiled.js';
import { RunningProgram } from './netns-program.js';
import { registerNamespace } from './test-run.js';

export { RunningProgram } from './netns-program.js';

const PROGRAMS = join(import.meta.dirname, '../fixtures/programs');
let made = 0;

/**
 * A new namespace takes its IPv4 settings from the machine (devconf_inherit_init_net in
 * https://docs.kernel.org/admin-guide/sysctl/net.html), where a running mobyvm, Docker or the distribution changes them.
 */
const KERNEL_DEFAULTS = [
  'net.ipv4.ip_forward=0',
  ...['all', 'default'].flatMap((device) =>
    [
      'accept_local',
      'arp_announce',
      'arp_filter',
      'arp_ignore',
      'proxy_arp',
      'route_localnet',
      'rp_filter',
    ].map((setting) => `net.ipv4.conf.${device}.${setting}=0`),
  ),
];

/** One end of a cable between two namespaces. */
export interface CableEnd {
  readonly namespace: NetworkNamespace;
  /** Interface name, at most 15 characters. */
  readonly device: string;
  /** CIDR addresses; none leaves it without one. */
  readonly addresses?: readonly string[];
  readonly mac?: string;
}

/**
 * A network namespace of the test's own. Disposing ends every program that still runs in it and deletes it, its
 * devices with it.
 */
export class NetworkNamespace implements AsyncDisposable {
  readonly #programs: RunningProgram[] = [];

  private constructor(readonly name: string) {}

  /** @param label a short word that tells what it plays, for example `host` or `client` */
  static async create(label: string): Promise<NetworkNamespace> {
    made += 1;
    const namespace = new NetworkNamespace(`mvt${process.pid}-${made}-${label}`);
    registerNamespace(namespace.name);
    await run('ip', ['netns', 'add', namespace.name]);
    try {
      await namespace.run('sysctl', ['-qw', ...KERNEL_DEFAULTS]);
      await namespace.ip('link', 'set', 'lo', 'up');
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
    return namespace;
  }

  /** `ip <args>` about this namespace: `await host.ip('addr', 'add', '10.0.75.1/24', 'dev', 'br0')`. */
  async ip(...args: readonly string[]): Promise<string> {
    return (await run('ip', ['-n', this.name, ...args])).stdout;
  }

  /** Runs a program in it to its end. */
  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run('ip', ['netns', 'exec', this.name, program, ...args], options);
  }

  /** Starts a program in it that runs until the test, or the namespace, is done with it. */
  start(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): RunningProgram {
    // `ip netns exec` becomes the program, so the pid we signal is the program's own.
    const started = new RunningProgram('ip', ['netns', 'exec', this.name, program, ...args], env);
    this.#programs.push(started);
    return started;
  }

  /**
   * Starts `test/fixtures/programs/<script>` in it with node. The script finds the compiled sources' folder in
   * `process.argv[2]` and `config` as JSON in `process.argv[3]`.
   */
  async startNode(script: string, config: unknown = {}): Promise<RunningProgram> {
    const compiled = await compiledSource();
    return this.start(process.execPath, [join(PROGRAMS, script), compiled, JSON.stringify(config)]);
  }

  /** Adds a bridge that is up, with the given CIDR addresses. */
  async addBridge(device: string, addresses: readonly string[] = []): Promise<void> {
    await this.ip('link', 'add', device, 'type', 'bridge');
    for (const address of addresses) await this.ip('addr', 'add', address, 'dev', device);
    await this.ip('link', 'set', device, 'up');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    await endLeftovers(this.name);
    await run('ip', ['netns', 'delete', this.name], { acceptExitCodes: [0, 1] });
  }
}

/** Lays a veth cable between two namespaces (or within one); both ends are up. */
export async function connect(a: CableEnd, b: CableEnd): Promise<void> {
  const end = ({ device, mac, namespace }: CableEnd): string[] => [
    'name',
    device,
    ...(mac === undefined ? [] : ['address', mac]),
    'netns',
    namespace.name,
  ];
  await run('ip', ['link', 'add', ...end(a), 'type', 'veth', 'peer', ...end(b)]);
  for (const { namespace, device, addresses = [] } of [a, b]) {
    for (const address of addresses) await namespace.ip('addr', 'add', address, 'dev', device);
    await namespace.ip('link', 'set', device, 'up');
  }
}

/** Programs that a test's program left behind (daemons) live in the test's namespace: they are the test's as well. */
async function endLeftovers(name: string): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'pids', name], { acceptExitCodes: [0, 1] });
  for (const pid of stdout.split('\n').map(Number)) {
    if (pid <= 1 || pid === process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }
}

/** The names of this process's namespaces that still exist: empty after a test that cleaned up. */
export async function leftoverNamespaces(): Promise<readonly string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter((name) => name.startsWith(`mvt${process.pid}-`));
}
