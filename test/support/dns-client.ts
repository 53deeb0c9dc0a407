import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { silentLogger, sleep } from '../../src/core/host/index.js';
import { parseIpv4, parseSubnet } from '../../src/core/values/index.js';
import { linuxPortFacts } from '../../src/daemon/linux/port-facts.js';
import {
  DEFAULT_PATIENCE,
  hostTable,
  startDnsServer,
  type DnsServer,
  type DnsServerOptions,
  type HostEntry,
  type HostsSource,
  type ResolverSource,
  type Upstream,
} from '../../src/proxy/dns/index.js';
import type { Endpoint } from '../../src/proxy/endpoint.js';
import { framed, Framing } from '../../src/proxy/dns/framing.js';

/** Our server on a loopback address and a port that the system chooses. */
export function startTestServer(
  upstreams: readonly Endpoint[],
  more: Partial<DnsServerOptions> = {},
): Promise<DnsServer> {
  return startDnsServer({
    address: parseIpv4('127.0.0.1'),
    port: 0,
    subnet: parseSubnet('127.0.0.0/8'),
    upstreams: resolversOf(() => upstreams),
    portFacts: linuxPortFacts,
    names: new Map(),
    settingsHosts: hostTable([]),
    hostsFile: hostsOf([]),
    domains: [],
    logger: silentLogger,
    signal: new AbortController().signal,
    ...more,
  });
}

/** A hosts file that a test decides, which announces no changes. */
export function hostsOf(entries: readonly HostEntry[], more: Partial<HostsSource> = {}): HostsSource {
  return {
    table: hostTable(entries),
    onChange: () => () => undefined,
    close: () => Promise.resolve(),
    ...more,
  };
}

/** Resolvers that a test decides, which announce no changes. */
export function resolversOf(
  current: (name: string) => readonly Upstream[],
  more: Partial<ResolverSource> = {},
): ResolverSource {
  return {
    current,
    searchDomains: [],
    patience: DEFAULT_PATIENCE,
    onChange: () => () => undefined,
    close: () => Promise.resolve(),
    ...more,
  };
}

/** Sends one query over UDP from a new port; undefined if there is no answer in time. */
export async function askUdp(
  port: number,
  query: Uint8Array,
  options: { readonly waitMs?: number; readonly from?: string } = {},
): Promise<Uint8Array | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, options.from ?? '127.0.0.1');
    await once(socket, 'listening');
    socket.send(query, port, '127.0.0.1');
    const given = new AbortController();
    const answer = once(socket, 'message', { signal: given.signal }).then(
      ([message]) => new Uint8Array(message as Uint8Array),
      () => undefined,
    );
    const silence = sleep(options.waitMs ?? 5_000, given.signal).then(
      () => undefined,
      () => undefined,
    );
    const first = await Promise.race([answer, silence]);
    given.abort();
    return first;
  } finally {
    socket.close();
  }
}

/** A TCP connection to the server; `next` returns its messages in the order of arrival. */
export class DnsConnection implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #messages: Uint8Array[] = [];
  readonly #framing = new Framing();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#messages.push(...this.#framing.push(chunk)));
  }

  static async open(port: number, from = '127.0.0.1'): Promise<DnsConnection> {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from });
    await once(socket, 'connect');
    return new DnsConnection(socket);
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  send(...queries: readonly Uint8Array[]): void {
    for (const query of queries) this.#socket.write(framed(query));
  }

  /** Ends the sending side. */
  end(): void {
    this.#socket.end();
  }

  /** The next message; undefined if the connection was closed instead. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#messages.length === 0 && !this.#socket.closed) await sleep(5);
    return this.#messages.shift();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }
}
