import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, waitFor } from '../../src/core/host/index.js';
import type { ListedPort, OwnServer, PublishedPort } from '../../src/proxy/port/index.js';
import { connect, NetworkNamespace } from './netns.js';
import type { RunningProgram } from './netns-program.js';

export const HOST = '10.0.75.1';
export const GUEST = '10.0.75.2';
/** The guest's second address, at which relay ports are. */
const RELAY = '10.0.75.3';
/** A container's address, which the guest itself has here. */
export const CONTAINER = '172.17.0.2';
const ROOT = resolve(import.meta.dirname, '../..');
const NETWORK_SCRIPT = join(ROOT, 'guest/overlay/usr/lib/mobyvm/network.sh');
const never = new AbortController().signal;

/**
 * A host with a publisher, a guest with the real port proxy, and a neighbour of the host, each in a
 * namespace. In the guest a program plays the containers: it echoes on the guest's own ports, to which
 * dockerd's rules would forward.
 */
export class PortPeers implements AsyncDisposable {
  private constructor(
    readonly host: NetworkNamespace,
    readonly guest: NetworkNamespace,
    readonly neighbour: NetworkNamespace,
    readonly folder: string,
  ) {}

  static async create(): Promise<PortPeers> {
    const host = await NetworkNamespace.create('host');
    const guest = await NetworkNamespace.create('guest');
    const neighbour = await NetworkNamespace.create('out');
    await connect(
      { namespace: host, device: 'switch0', addresses: [`${HOST}/24`] },
      { namespace: guest, device: 'eth0', addresses: [`${GUEST}/24`, `${RELAY}/32`, `${CONTAINER}/32`] },
    );
    await connect(
      { namespace: host, device: 'out0', addresses: ['192.0.2.1/24', '192.0.2.9/24'] },
      { namespace: neighbour, device: 'out0', addresses: ['192.0.2.2/24'] },
    );
    await guest.run('sh', ['-c', `. '${NETWORK_SCRIPT}'; prepare_relays ${GUEST} ${HOST}`]);
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-ports-'));
    await writeFile(join(folder, 'token'), 'planted\n');
    await writeFile(join(folder, 'lease'), `${GUEST} 24 ${HOST}\n`);
    await run(join(ROOT, 'guest/build/make-port-proxy'), [join(folder, 'port-proxy')]);
    const echo = join(ROOT, 'test/fixtures/programs/port-echo.c');
    await run('musl-gcc', ['-static', '-Os', '-o', join(folder, 'port-echo'), echo]);
    return new PortPeers(host, guest, neighbour, folder);
  }

  async publisher(options: object = {}): Promise<PublisherProgram> {
    const config = { vmAddress: GUEST, relayAddress: RELAY, switchAddress: HOST, ...options };
    const program = await this.host.startNode('port-publisher.mjs', config);
    await program.line(/"ready"/);
    return new PublisherProgram(program);
  }

  /** Echoes in the guest on these ports. */
  async echo(...ports: readonly number[]): Promise<RunningProgram> {
    const program = this.guest.start(join(this.folder, 'port-echo'), ports.map(String));
    for (const port of ports) await this.untilListening(this.guest, port);
    return program;
  }

  /** A container that answers on one port of its own address; it echoes if nothing else is said. */
  echoAt(address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp', answer = 'PIPE'): RunningProgram {
    const six = address.includes(':') ? '6' : '';
    const place = protocol === 'tcp' ? `TCP${six}-LISTEN:${port},reuseaddr` : `UDP${six}-RECVFROM:${port}`;
    const args = ['-dd', '-b', '131072', `${place},bind=${address},fork`, answer];
    return this.guest.start('socat', args);
  }

  /** Whether anything listens at that place in the guest. */
  async serves(place: string, protocol: 'tcp' | 'udp'): Promise<boolean> {
    return (await listening(this.guest, protocol === 'tcp' ? '-t' : '-u')).includes(place);
  }

  /** The guest's proxy as dockerd starts it; what it writes on descriptor 3 are its lines. */
  proxy(
    args: Readonly<Record<string, string | number>>,
    env: Readonly<Record<string, string>> = {},
  ): RunningProgram {
    const all = {
      proto: 'tcp',
      'host-ip': '0.0.0.0',
      'host-port': 0,
      'container-ip': CONTAINER,
      'container-port': 80,
      ...args,
    };
    const words = Object.entries(all).flatMap(([name, value]) => [`-${name}`, String(value)]);
    return this.guest.start('sh', ['-c', 'exec "$@" 3>&1', 'sh', join(this.folder, 'port-proxy'), ...words], {
      MOBYVM_RUN: this.folder,
      ...env,
    });
  }

  async untilListening(namespace: NetworkNamespace, port: number): Promise<void> {
    const check = async (): Promise<boolean> =>
      (await listening(namespace)).some((place) => place.endsWith(`:${port}`));
    await waitFor({ title: `port ${port}`, timeoutSeconds: 120, hint: '', everyMs: 30, check }, never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of [this.neighbour, this.guest, this.host]) await namespace[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }
}

/** The publisher in its namespace. */
export class PublisherProgram {
  constructor(readonly program: RunningProgram) {}

  async list(): Promise<readonly PublishedPort[]> {
    return (await this.#ask({ do: 'list' }, 'list')).ports ?? [];
  }

  async audit(...listed: readonly ListedPort[]): Promise<void> {
    await this.#ask({ do: 'audit', listed }, 'audited');
  }

  async makeWay(...servers: readonly OwnServer[]): Promise<void> {
    await this.#ask({ do: 'makeWay', servers }, 'made way');
  }

  async rss(): Promise<number> {
    return (await this.#ask({ do: 'memory' }, 'memory')).rss ?? 0;
  }

  guestLost(): void {
    this.program.send('{"do":"guestLost"}');
  }

  async #ask(
    what: object,
    event: string,
  ): Promise<{ readonly ports?: readonly PublishedPort[]; readonly rss?: number }> {
    const from = this.program.lines.length;
    this.program.send(JSON.stringify(what));
    return JSON.parse(await this.program.line(new RegExp(`"event":"${event}"`), 120, from)) as object;
  }
}

/** The local addresses of listening sockets, as `ss` shows them. */
export async function listening(
  namespace: NetworkNamespace,
  protocol: '-t' | '-u' = '-t',
): Promise<string[]> {
  const { stdout } = await namespace.run('ss', ['-Hln', protocol]);
  return stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[3] ?? []);
}

/** What comes back for `text` from a place such as `TCP:127.0.0.1:8080`; undefined without a connection. */
export async function ask(
  namespace: NetworkNamespace,
  place: string,
  text: string,
): Promise<string | undefined> {
  const { exitCode, stdout } = await namespace.run(
    'socat',
    ['-b', '131072', '-t', place.startsWith('UDP') ? '1' : '5', '-', place],
    {
      input: text,
      acceptExitCodes: Array.from({ length: 256 }, (_, code) => code),
      timeoutMs: 30_000,
    },
  );
  return exitCode === 0 && stdout !== '' ? stdout : undefined;
}
