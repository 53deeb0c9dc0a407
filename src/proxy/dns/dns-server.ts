import { setMaxListeners } from 'node:events';
import type { Logger } from '../../core/host/index.js';
import { isIpv4, MobyvmError, subnetContains, textOf } from '../../core/values/index.js';
import { OncePerMinute } from '../once-per-minute.js';
import { errorAnswer } from './answer.plan.js';
import type { DnsEndpoint } from './dns-endpoint.js';
import { Rcode } from './dns-constants.js';
import { extendedError } from './edns.codec.js';
import { decodeHeader } from './header.codec.js';
import type { LocalZone } from './local-names.plan.js';
import type { DnsQuery } from './message.codec.js';
import { planQuery } from './query.plan.js';
import { Resolver, type UpstreamStats } from './resolver.js';
import { listenTcp, type TcpListener } from './tcp-listener.js';
import { listenUdp, type UdpListener } from './udp-listener.js';

export interface DnsServerOptions extends Omit<LocalZone, 'serverAddress'> {
  /** The switch's address: the only one that we listen on, and what `host.docker.internal` means. */
  readonly address: LocalZone['serverAddress'];
  /** 53; 0 lets the system choose, for tests. */
  readonly port: number;
  /** The servers to ask for a name, as the host's own resolver would. Called for each query, so it may change. */
  readonly upstreams: (name: string) => readonly DnsEndpoint[];
  readonly logger: Logger;
  /** Ends the start only; a running server ends with `close`. */
  readonly signal: AbortSignal;
}

export interface DnsStats {
  /** Well-formed and malformed ones; not what was dropped. */
  readonly queries: number;
  readonly servfails: number;
  /** Not from the switch's network, no query, or shorter than a header. */
  readonly dropped: number;
  /** Being asked upstream right now. */
  readonly outstanding: number;
  readonly tcpConnections: number;
  readonly upstreams: readonly UpstreamStats[];
}

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  stats(): DnsStats;
  /** Repeatable. Queries that are being asked are dropped. */
  close(): Promise<void>;
}

/** Each one has a socket or two open: RFC 1035 knows no way to say "later", so further ones get SERVFAIL. */
const MAX_OUTSTANDING = 1_000;
/** RFC 8914 §4: 23 is a network error, 14 says that the server is not ready. */
const ExtendedError = { notReady: 14, networkError: 23 } as const;

/**
 * Forwards the VM's queries to the host's resolvers, byte for byte but for the id, over UDP and TCP, and answers the
 * host's own names itself. Each query gets an answer within two seconds.
 * @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DNS_SERVER, MOBYVM_NOT_ROOT
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const server = new Server(options);
  await server.open(options.signal);
  return server;
}

type Reply = (answer: Uint8Array, query: DnsQuery | undefined) => void;

class Server implements DnsServer {
  readonly #options: DnsServerOptions;
  readonly #zone: LocalZone;
  readonly #resolver: Resolver;
  readonly #quiet = new OncePerMinute();
  readonly #closing = new AbortController();
  #udp: UdpListener | undefined;
  #tcp: TcpListener | undefined;
  #port = 0;
  readonly #counts = { queries: 0, servfails: 0, dropped: 0, outstanding: 0 };

  constructor(options: DnsServerOptions) {
    const { address, port, subnet, names, upstreams, logger } = options;
    // Each query that is under way listens for the end.
    setMaxListeners(MAX_OUTSTANDING, this.#closing.signal);
    this.#options = options;
    this.#zone = { serverAddress: address, subnet, names };
    this.#resolver = new Resolver({ upstreams, logger, ownEndpoint: { address, port }, nowMs: Date.now });
  }

  get port(): number {
    return this.#port;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { address, port, logger } = this.#options;
    signal.throwIfAborted();
    const isClient = (client: string): boolean => this.#isClient(client);
    try {
      this.#tcp = await listenTcp({
        address,
        port,
        isClient,
        onQuery: (bytes, reply) => this.#receive(bytes, true, reply),
      });
      this.#port = this.#tcp.port;
      this.#udp = await listenUdp({
        address,
        port: this.#port,
        isClient,
        onQuery: (bytes, reply) => this.#receive(bytes, false, reply),
        onError: (error) => this.#complain('dns.socket.failed', { error: error.message }),
      });
      signal.throwIfAborted();
    } catch (error) {
      await this.close();
      throw error;
    }
    logger.info('dns.server.started', { address, port: this.#port });
  }

  stats(): DnsStats {
    return {
      ...this.#counts,
      tcpConnections: this.#tcp?.connections ?? 0,
      upstreams: this.#resolver.stats(),
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const listeners = [this.#udp, this.#tcp].filter((listener) => listener !== undefined);
    this.#udp = undefined;
    this.#tcp = undefined;
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #isClient(client: string): boolean {
    if (isIpv4(client) && subnetContains(this.#options.subnet, client)) return true;
    this.#counts.dropped += 1;
    this.#complain('dns.client.refused', { client });
    return false;
  }

  #receive(bytes: Uint8Array, isTcp: boolean, reply: Reply): void {
    const decision = planQuery(bytes, this.#zone);
    if (decision.kind === 'drop') {
      this.#counts.dropped += 1;
      return;
    }
    this.#counts.queries += 1;
    if (decision.kind === 'answer') return reply(decision.answer, decision.query);
    const { query } = decision;
    if (this.#counts.outstanding >= MAX_OUTSTANDING) {
      this.#complain('dns.queries.too-many', { outstanding: MAX_OUTSTANDING });
      return reply(this.#serverFailure(query, ExtendedError.notReady, 'too many queries at once'), query);
    }
    this.#counts.outstanding += 1;
    this.#forward(query, isTcp)
      .then((answer) => {
        if (!this.#closing.signal.aborted) reply(answer, query);
      })
      .catch((error: unknown) =>
        this.#options.logger.error('dns.query.failed', { error: textOf(error), code: codeOf(error) }),
      )
      .finally(() => (this.#counts.outstanding -= 1));
  }

  async #forward(query: DnsQuery, isTcp: boolean): Promise<Uint8Array> {
    const resolution = await this.#resolver.resolve(query, isTcp, this.#closing.signal);
    if (resolution.kind === 'answer') {
      if (decodeHeader(resolution.bytes).rcode === Rcode.serverFailure) this.#counts.servfails += 1;
      return resolution.bytes;
    }
    if (resolution.reason === 'no-answer') {
      return this.#serverFailure(query, ExtendedError.networkError, 'no resolver of the host has answered');
    }
    this.#complain('dns.upstream.none', {});
    return this.#serverFailure(query, ExtendedError.networkError, 'the host has no resolver');
  }

  #serverFailure(query: DnsQuery, infoCode: number, text: string): Uint8Array {
    this.#counts.servfails += 1;
    return errorAnswer(query, Rcode.serverFailure, extendedError(infoCode, `mobyvm: ${text}`));
  }

  #complain(event: `dns.${string}`, fields: Readonly<Record<string, string | number>>): void {
    if (this.#quiet.allows(event, Date.now())) this.#options.logger.warn(event, fields);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof MobyvmError ? error.code : undefined;
}
