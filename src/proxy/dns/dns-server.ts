import type { Logger } from '../../core/host/index.js';
import { isIpv4, MobyvmError, subnetContains, textOf } from '../../core/values/index.js';
import { OncePerMinute } from '../once-per-minute.js';
import type { PortFacts } from '../port-facts.js';
import { CACHE_LIMITS, type CacheFigures } from './answer-cache.js';
import { errorAnswer } from './answer.plan.js';
import { Cancellation } from './cancellation.js';
import { CachingResolver, type AnswerSource } from './caching-resolver.js';
import { Rcode } from './dns-constants.js';
import { extendedError } from './edns.codec.js';
import type { HostsSource, HostTable } from './host-table.plan.js';
import { LocalZone, type ZoneOptions } from './local-zone.plan.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import { planQuery, type AnswerRule } from './query.plan.js';
import { Resolver, type UpstreamState, type UpstreamStats } from './resolver.js';
import type { ResolverSource } from './resolver-source.js';
import type { DomainServers } from './routes.plan.js';
import { SOURCE_LIMITS, SourceLimits, type QuerySource, type SourceLimitOptions } from './source-limits.js';
import { listenTcp, type TcpListener } from './tcp-listener.js';
import { listenUdp, type Reply, type UdpListener } from './udp-listener.js';

export interface DnsServerOptions {
  /**
   * The host's address on the switch: the only one that the server listens on, and that of
   * `host.docker.internal`.
   */
  readonly address: ZoneOptions['serverAddress'];
  /** 53; 0 lets the system choose (for tests). */
  readonly port: number;
  readonly subnet: ZoneOptions['subnet'];
  /** Names of the machine: the VM's. */
  readonly names: ZoneOptions['names'];
  /** `dns.hosts` of the settings. */
  readonly settingsHosts: HostTable;
  /** The host's hosts file. Stays the caller's. */
  readonly hostsFile: HostsSource;
  /** `network.dnsDomains` of the settings. */
  readonly domains: readonly DomainServers[];
  /** Stays the caller's: closing the server does not close it. */
  readonly upstreams: ResolverSource;
  readonly portFacts: PortFacts;
  readonly logger: Logger;
  /** {@link SOURCE_LIMITS} if absent. */
  readonly limits?: SourceLimitOptions;
  /** Aborts the start only; `close` stops a running server. */
  readonly signal: AbortSignal;
}

export interface DnsStats {
  /** Well-formed and malformed queries, but not dropped messages. */
  readonly queries: number;
  readonly servfails: number;
  /** Over the limits of their source. */
  readonly refused: number;
  /** From outside the switch's network, not a query, shorter than a header, or far over the limits. */
  readonly dropped: number;
  /** Queries that are waiting for an upstream. */
  readonly outstanding: number;
  readonly tcpConnections: number;
  /** The servers that were asked. */
  readonly upstreams: readonly UpstreamStats[];
  readonly cache: CacheFigures;
  /** Names in the host's hosts file, and in the settings. */
  readonly hostsFileNames: number;
  readonly settingsNames: number;
  readonly searchDomains: readonly string[];
}

/** The source of the answer: a local rule, a server, the cache, or none. */
export type AnsweredBy =
  | { readonly kind: 'rule'; readonly rule: AnswerRule }
  | AnswerSource
  | { readonly kind: 'nobody'; readonly reason: string };

export interface Answered {
  readonly answer: DnsMessage;
  readonly by: AnsweredBy;
}

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  stats(): DnsStats;
  /** The servers that are asked from now on. */
  servers(): readonly UpstreamState[];
  /** Answers as a client would be answered, apart from the limits of its source. */
  ask(query: Uint8Array): Promise<Answered | undefined>;
  /** Repeatable. Outstanding queries are dropped. */
  close(): Promise<void>;
}

/** https://www.rfc-editor.org/rfc/rfc8914#section-4 */
const ExtendedError = { prohibited: 18, networkError: 23 } as const;

/**
 * Answers the VM's queries over UDP and TCP: names of the host and the VM itself, from the cache, or by
 * asking the host's resolvers, unchanged except for the id. Every query gets an answer within the time that
 * the host's own resolver would take.
 * @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DNS_SERVER, MOBYVM_NOT_ROOT
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const server = new Server(options);
  await server.open(options.signal);
  return server;
}

class Server implements DnsServer {
  readonly #options: DnsServerOptions;
  readonly #upstreams: Resolver;
  readonly #resolver: CachingResolver;
  readonly #limits: SourceLimits;
  readonly #warnings = new OncePerMinute();
  readonly #closing = new Cancellation();
  #zone: LocalZone;
  #udp: UdpListener | undefined;
  #tcp: TcpListener | undefined;
  #port = 0;
  #subscriptions: readonly (() => void)[] = [];
  readonly #counts = { queries: 0, servfails: 0, refused: 0, dropped: 0 };

  constructor(options: DnsServerOptions) {
    const { address, port, domains, upstreams, logger, limits = SOURCE_LIMITS } = options;
    this.#options = options;
    this.#zone = this.#zoneNow();
    this.#limits = new SourceLimits(limits);
    this.#upstreams = new Resolver({
      upstreams,
      domains,
      logger,
      ownEndpoint: { address, port },
      nowMs: Date.now,
    });
    this.#resolver = new CachingResolver({
      resolver: this.#upstreams,
      limits: CACHE_LIMITS,
      nowMs: () => performance.now(),
    });
  }

  get port(): number {
    return this.#port;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { address, port, logger, portFacts, upstreams, hostsFile } = this.#options;
    signal.throwIfAborted();
    const isClient = (client: string): boolean => this.#isClient(client);
    try {
      this.#tcp = await listenTcp({
        address,
        port,
        portFacts,
        isClient,
        onQuery: (bytes, source, reply) => this.#receive(bytes, source, { isTcp: true, reply }),
      });
      this.#port = this.#tcp.port;
      this.#udp = await listenUdp({
        address,
        port: this.#port,
        portFacts,
        isClient,
        onQuery: (bytes, source, reply) => this.#receive(bytes, source, { isTcp: false, reply }),
        onError: (error) => this.#warn('dns.socket.failed', { error: error.message }),
      });
      signal.throwIfAborted();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#subscriptions = [upstreams, hostsFile].map((source) => source.onChange(() => this.#change()));
    logger.info('dns.server.started', { address, port: this.#port });
  }

  stats(): DnsStats {
    const { hostsFile, settingsHosts, upstreams } = this.#options;
    return {
      ...this.#counts,
      outstanding: this.#limits.outstanding,
      tcpConnections: this.#tcp?.connections ?? 0,
      upstreams: this.#upstreams.stats(),
      cache: this.#resolver.figures(),
      hostsFileNames: hostsFile.table.size,
      settingsNames: settingsHosts.size,
      searchDomains: upstreams.searchDomains,
    };
  }

  servers(): readonly UpstreamState[] {
    return this.#upstreams.servers();
  }

  async ask(bytes: Uint8Array): Promise<Answered | undefined> {
    const decision = planQuery(bytes, this.#zone);
    switch (decision.kind) {
      case 'drop':
        return undefined;
      case 'answer':
        return { answer: decision.answer, by: { kind: 'rule', rule: decision.rule } };
      case 'forward':
        return this.#recall(decision.query) ?? (await this.#resolve(decision.query, true));
    }
  }

  async close(): Promise<void> {
    this.#closing.cancel();
    for (const unsubscribe of this.#subscriptions) unsubscribe();
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

  #receive(
    bytes: Uint8Array,
    source: QuerySource,
    { isTcp, reply }: { readonly isTcp: boolean; readonly reply: Reply },
  ): void {
    const admission = this.#limits.admit(source, performance.now());
    // Over TCP a client that gets no answer would wait; it cannot ask faster than it reads.
    if (admission === 'dropped' && !isTcp) {
      this.#counts.dropped += 1;
      return;
    }
    const decision = planQuery(bytes, this.#zone);
    if (decision.kind === 'drop') {
      this.#counts.dropped += 1;
      return;
    }
    this.#counts.queries += 1;
    const query = decision.query;
    if (admission !== 'admitted' && query !== undefined) return reply(this.#refusal(query, source), query);
    if (decision.kind === 'answer') return reply(decision.answer, query);
    this.#answer(decision.query, source, { isTcp, reply });
  }

  #answer(
    query: DnsQuery,
    source: QuerySource,
    { isTcp, reply }: { readonly isTcp: boolean; readonly reply: Reply },
  ): void {
    const remembered = this.#recall(query);
    if (remembered !== undefined) return reply(remembered.answer, query);
    const end = this.#limits.begin(source);
    if (end === undefined) return reply(this.#refusal(query, source), query);
    this.#resolve(query, isTcp)
      .then(({ answer }) => {
        if (!this.#closing.isCancelled) reply(answer, query);
      })
      .catch((error: unknown) =>
        this.#options.logger.error('dns.query.failed', { error: textOf(error), code: codeOf(error) }),
      )
      .finally(end);
  }

  #recall(query: DnsQuery): Answered | undefined {
    const cached = this.#resolver.recall(query);
    return cached?.kind === 'answer' ? { answer: cached.answer, by: cached.from } : undefined;
  }

  async #resolve(query: DnsQuery, isTcp: boolean): Promise<Answered> {
    const resolution = await this.#resolver.resolve(query, isTcp, this.#closing);
    if (resolution.kind === 'answer') {
      const { answer, from } = resolution;
      if (answer.header.rcode === Rcode.serverFailure) this.#counts.servfails += 1;
      return { answer, by: from };
    }
    if (resolution.reason === 'no-upstream') this.#warn('dns.upstream.none', {});
    const reason =
      resolution.reason === 'no-answer'
        ? "none of the host's resolvers answered"
        : 'the host has no resolver';
    this.#counts.servfails += 1;
    const option = extendedError(ExtendedError.networkError, `mobyvm: ${reason}`);
    return { answer: errorAnswer(query, Rcode.serverFailure, option), by: { kind: 'nobody', reason } };
  }

  #refusal(query: DnsQuery, { address }: QuerySource): DnsMessage {
    this.#counts.refused += 1;
    this.#warn('dns.queries.too-many', { client: address });
    return errorAnswer(
      query,
      Rcode.refused,
      extendedError(ExtendedError.prohibited, 'mobyvm: too many queries'),
    );
  }

  /** Other servers or other names: what was learned from the old ones may be wrong. */
  #change(): void {
    this.#zone = this.#zoneNow();
    this.#upstreams.endPenalties();
    this.#resolver.flush();
  }

  #zoneNow(): LocalZone {
    const { address, subnet, names, settingsHosts, hostsFile, domains, upstreams } = this.#options;
    return new LocalZone({
      serverAddress: address,
      subnet,
      names,
      settingsHosts,
      hostsFile: hostsFile.table,
      servedDomains: [...domains.map(({ domain }) => domain), ...upstreams.searchDomains],
    });
  }

  #warn(event: `dns.${string}`, fields: Readonly<Record<string, string | number>>): void {
    if (this.#warnings.allows(event, Date.now())) this.#options.logger.warn(event, fields);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof MobyvmError ? error.code : undefined;
}
