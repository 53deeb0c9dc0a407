import { setMaxListeners } from 'node:events';
import type { Logger } from '../../core/host/index.js';
import { isIpv4, MobyvmError, subnetContains, textOf } from '../../core/values/index.js';
import { OncePerMinute } from '../once-per-minute.js';
import type { PortFacts } from '../port-facts.js';
import { errorAnswer } from './answer.plan.js';
import { Rcode } from './dns-constants.js';
import { extendedError } from './edns.codec.js';
import type { LocalZone } from './local-names.plan.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import { planQuery } from './query.plan.js';
import { Resolver, type UpstreamStats } from './resolver.js';
import type { ResolverSource } from './resolver-source.js';
import { listenTcp, type TcpListener } from './tcp-listener.js';
import { listenUdp, type Reply, type UdpListener } from './udp-listener.js';

export interface DnsServerOptions extends Omit<LocalZone, 'serverAddress'> {
  /**
   * The host's address on the switch: the only one that the server listens on, and that of
   * `host.docker.internal`.
   */
  readonly address: LocalZone['serverAddress'];
  /** 53; 0 lets the system choose (for tests). */
  readonly port: number;
  /** Stays the caller's: closing the server does not close it. */
  readonly upstreams: ResolverSource;
  readonly portFacts: PortFacts;
  readonly logger: Logger;
  /** Aborts the start only; `close` stops a running server. */
  readonly signal: AbortSignal;
}

export interface DnsStats {
  /** Well-formed and malformed queries, but not dropped messages. */
  readonly queries: number;
  readonly servfails: number;
  /** From outside the switch's network, not a query, or shorter than a header. */
  readonly dropped: number;
  /** Queries that are waiting for an upstream. */
  readonly outstanding: number;
  readonly tcpConnections: number;
  readonly upstreams: readonly UpstreamStats[];
}

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  stats(): DnsStats;
  /** Repeatable. Outstanding queries are dropped. */
  close(): Promise<void>;
}

/** Each one has a socket or two open. DNS has no way to say "later", so further queries get SERVFAIL. */
const MAX_OUTSTANDING = 1_000;
/** https://www.rfc-editor.org/rfc/rfc8914#section-4 */
const ExtendedError = { notReady: 14, networkError: 23 } as const;

/**
 * Forwards the VM's queries to the host's resolvers over UDP and TCP, unchanged except for the id, and
 * answers names of the host and the VM itself. Every query gets an answer within two seconds.
 * @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DNS_SERVER, MOBYVM_NOT_ROOT
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const server = new Server(options);
  await server.open(options.signal);
  return server;
}

class Server implements DnsServer {
  readonly #options: DnsServerOptions;
  readonly #zone: LocalZone;
  readonly #resolver: Resolver;
  readonly #warnings = new OncePerMinute();
  readonly #closing = new AbortController();
  #udp: UdpListener | undefined;
  #tcp: TcpListener | undefined;
  #port = 0;
  #unsubscribe = (): void => undefined;
  readonly #counts = { queries: 0, servfails: 0, dropped: 0, outstanding: 0 };

  constructor(options: DnsServerOptions) {
    const { address, port, subnet, names, upstreams, logger } = options;
    // Every outstanding query listens to this signal.
    setMaxListeners(MAX_OUTSTANDING, this.#closing.signal);
    this.#options = options;
    this.#zone = { serverAddress: address, subnet, names };
    this.#resolver = new Resolver({ upstreams, logger, ownEndpoint: { address, port }, nowMs: Date.now });
  }

  get port(): number {
    return this.#port;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { address, port, logger, portFacts, upstreams } = this.#options;
    signal.throwIfAborted();
    const isClient = (client: string): boolean => this.#isClient(client);
    try {
      this.#tcp = await listenTcp({
        address,
        port,
        portFacts,
        isClient,
        onQuery: (bytes, reply) => this.#receive(bytes, true, reply),
      });
      this.#port = this.#tcp.port;
      this.#udp = await listenUdp({
        address,
        port: this.#port,
        portFacts,
        isClient,
        onQuery: (bytes, reply) => this.#receive(bytes, false, reply),
        onError: (error) => this.#warn('dns.socket.failed', { error: error.message }),
      });
      signal.throwIfAborted();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#unsubscribe = upstreams.onChange(() => this.#resolver.endPenalties());
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
    this.#unsubscribe();
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
    this.#warn('dns.client.refused', { client });
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
      this.#warn('dns.queries.too-many', { outstanding: MAX_OUTSTANDING });
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

  async #forward(query: DnsQuery, isTcp: boolean): Promise<DnsMessage> {
    const resolution = await this.#resolver.resolve(query, isTcp, this.#closing.signal);
    if (resolution.kind === 'answer') {
      if (resolution.answer.header.rcode === Rcode.serverFailure) this.#counts.servfails += 1;
      return resolution.answer;
    }
    if (resolution.reason === 'no-answer') {
      return this.#serverFailure(query, ExtendedError.networkError, "none of the host's resolvers answered");
    }
    this.#warn('dns.upstream.none', {});
    return this.#serverFailure(query, ExtendedError.networkError, 'the host has no resolver');
  }

  #serverFailure(query: DnsQuery, infoCode: number, text: string): DnsMessage {
    this.#counts.servfails += 1;
    return errorAnswer(query, Rcode.serverFailure, extendedError(infoCode, `mobyvm: ${text}`));
  }

  #warn(event: `dns.${string}`, fields: Readonly<Record<string, string | number>>): void {
    if (this.#warnings.allows(event, Date.now())) this.#options.logger.warn(event, fields);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof MobyvmError ? error.code : undefined;
}
