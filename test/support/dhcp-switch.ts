import { writeFile, mkdtemp, rm, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../src/core/host/index.js';
import { connect, NetworkNamespace, type RunningProgram } from './netns.js';

export const VM_MAC = '02:00:0a:00:4b:02';
export const VM_ADDRESS = '10.0.75.2';
export const SERVER_ADDRESS = '10.0.75.1';

export const DHCP_OPTIONS = {
  serverAddress: SERVER_ADDRESS,
  subnet: { network: '10.0.75.0', prefixLength: 24 },
  lease: { mac: VM_MAC, address: VM_ADDRESS, hostname: 'moby' },
  domain: 'mobyvm.internal',
  domainSearch: ['mobyvm.internal', 'corp.example'],
  mtuBytes: 1480,
  leaseSeconds: 3600,
  host: 'linux',
} as const;

/**
 * A host with the switch `mobyvm0` and a second network `lan0`, which has the default route; a VM on the
 * switch; another client on the second network.
 */
export class DhcpNetwork implements AsyncDisposable {
  private constructor(
    readonly host: NetworkNamespace,
    readonly vm: NetworkNamespace,
    readonly stranger: NetworkNamespace,
  ) {}

  static async create(): Promise<DhcpNetwork> {
    const network = new DhcpNetwork(
      await NetworkNamespace.create('host'),
      await NetworkNamespace.create('vm'),
      await NetworkNamespace.create('lan'),
    );
    try {
      await network.#cable();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #cable(): Promise<void> {
    const { host, vm, stranger } = this;
    await host.addBridge('mobyvm0', [`${SERVER_ADDRESS}/24`]);
    await connect({ namespace: host, device: 'tap0' }, { namespace: vm, device: 'eth0', mac: VM_MAC });
    await host.ip('link', 'set', 'tap0', 'master', 'mobyvm0');
    await connect(
      { namespace: host, device: 'lan0', addresses: ['192.168.50.1/24'] },
      { namespace: stranger, device: 'eth0' },
    );
    await host.ip('route', 'add', 'default', 'dev', 'lan0');
  }

  /** Starts our server on the host and waits until it listens. */
  async startServer(options: Readonly<Record<string, unknown>> = {}): Promise<RunningProgram> {
    const server = await this.host.startNode('dhcp-server.mjs', { ...DHCP_OPTIONS, ...options });
    await server.line(/"event":"ready"/);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.host, this.vm, this.stranger].map((one) => one[Symbol.asyncDispose]()));
  }
}

/** What busybox's udhcpc handed to its script, by variable: `ip`, `subnet`, `router`, `dns` … and `event`. */
export type UdhcpcEvent = Readonly<Record<string, string>>;

/** udhcpc with a script that writes down each event and, like the guest's, sets the address. */
export class Udhcpc implements AsyncDisposable {
  readonly program: RunningProgram;
  readonly #folder: string;

  private constructor(program: RunningProgram, folder: string) {
    this.program = program;
    this.#folder = folder;
  }

  static async start(where: NetworkNamespace, ...args: readonly string[]): Promise<Udhcpc> {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-udhcpc-'));
    const script = join(folder, 'script');
    await writeFile(
      script,
      `#!/bin/sh
[ "$1" = deconfig ] && ip addr flush dev $interface
case "$1" in bound|renew) ip addr replace $ip/$mask dev $interface ;; esac
{ echo "event=$1"; env | grep -v '^PATH='; echo --; } >> ${folder}/events
`,
      { mode: 0o700 },
    );
    // Only what udhcpc itself sets reaches the script's log: our environment is nobody's business.
    const bare = ['-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'];
    const program = where.start('env', [
      ...bare,
      'busybox',
      'udhcpc',
      '-f',
      '-i',
      'eth0',
      '-s',
      script,
      ...args,
    ]);
    return new Udhcpc(program, folder);
  }

  /** Waits for the script's first run of this kind, from the `from`-th run on. */
  async event(name: string, from = 0, timeoutSeconds = 60): Promise<UdhcpcEvent> {
    let found: UdhcpcEvent | undefined;
    await waitFor(
      {
        title: `udhcpc's event "${name}"`,
        timeoutSeconds,
        hint: '',
        everyMs: 50,
        check: async () => {
          found = (await this.events()).slice(from).find((one) => one['event'] === name);
          return found !== undefined;
        },
      },
      new AbortController().signal,
    );
    return found ?? {};
  }

  signal(name: 'SIGUSR1' | 'SIGUSR2'): void {
    process.kill(this.program.pid, name);
  }

  /** The script's runs so far, oldest first. */
  async events(): Promise<readonly UdhcpcEvent[]> {
    const text = await readFile(join(this.#folder, 'events'), 'utf8').catch(() => '');
    return text
      .split(/^--$/m)
      .slice(0, -1)
      .map((block) => Object.fromEntries(block.trim().split('\n').map(keyAndValue)) as UdhcpcEvent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function keyAndValue(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}
