import type { Logger } from '../../core/host/index.js';
import { joinHostPort, type Endpoint } from '../endpoint.js';
import { OncePerMinute } from '../once-per-minute.js';
import { Cancellation } from './cancellation.js';
import { askByTcp, askByUdp, type AskResult } from './ask-upstream.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import { race, type Outcome } from './race.js';
import type { Patience, ResolverSource, Upstream } from './resolver-source.js';
import { routeOf, type DomainServers } from './routes.plan.js';
import {
  afterAnswer,
  afterFailure,
  afterOtherTransport,
  isPenalized,
  planAttempts,
  planUpstreamOrder,
  UNTRIED,
  waitMsOf,
  type Attempt,
  type UpstreamHealth,
} from './upstreams.plan.js';

export interface ResolverOptions {
  readonly upstreams: ResolverSource;
  /** The servers of single domains, instead of the host's. */
  readonly domains: readonly DomainServers[];
  /** Our own server: asking it would be an endless loop. */
  readonly ownEndpoint: Endpoint;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** The server that answered, and the domain that it serves if it is not one of the host's. */
export interface UpstreamSource {
  readonly kind: 'upstream';
  readonly endpoint: Endpoint;
  readonly domain: string | undefined;
}

export type Resolution =
  | { readonly kind: 'answer'; readonly answer: DnsMessage; readonly from: UpstreamSource }
  | { readonly kind: 'failed'; readonly reason: 'no-upstream' | 'no-answer' };

export interface UpstreamStats extends UpstreamHealth {
  readonly endpoint: Endpoint;
}

/** A server that is asked, and how it does. */
export interface UpstreamState extends UpstreamStats {
  /** The domain that it serves, if it is not one of the host's. */
  readonly domain: string | undefined;
  readonly isLastResort: boolean;
  /** It failed recently, so others are asked first. */
  readonly isFailing: boolean;
}

/** More servers than any host has; the least recently used ones are forgotten. */
const MAX_REMEMBERED = 64;
const MAX_TCP = 100;
/** Leaves time to fall back to the truncated answer if the upstream does not speak TCP. */
const TCP_WITHIN_MS = 3_000;

/** What to do as long as these are the servers, this is the patience, and none of them fails. */
interface Plan {
  readonly servers: readonly Upstream[];
  readonly patience: Patience;
  readonly attempts: readonly Attempt[];
}

/** Forwards queries to the host's resolvers and keeps track of how each of them does. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #ownEndpoint: string;
  readonly #warnings = new OncePerMinute();
  readonly #stats = new Map<string, UpstreamStats>();
  readonly #withoutOwn = new WeakMap<readonly Upstream[], readonly Upstream[]>();
  /** The usual plan, for servers that all do well: the same for every query. */
  #plan: Plan | undefined;
  #tcpCount = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#ownEndpoint = keyOf(options.ownEndpoint);
  }

  /** @param isTcp the client asked over TCP: a truncated answer is of no use to it */
  async resolve(query: DnsQuery, isTcp: boolean, cancellation: Cancellation): Promise<Resolution> {
    const { upstreams } = this.#options;
    const { servers, domain } = this.#serversOf(query.name);
    if (servers.length === 0) return { kind: 'failed', reason: 'no-upstream' };
    const { patience } = upstreams;
    const won = await race({
      attempts: this.#attempts(servers, patience),
      withinMs: waitMsOf(patience),
      ask: ({ endpoint, transport }, lost) =>
        transport === 'tcp' ? this.#askByTcp(endpoint, query, lost) : this.#ask(endpoint, query, isTcp, lost),
      report: (attempt, outcome) => this.#note(attempt, outcome),
      cancellation,
    });
    return won === undefined
      ? { kind: 'failed', reason: 'no-answer' }
      : { kind: 'answer', answer: won.answer, from: { kind: 'upstream', endpoint: won.endpoint, domain } };
  }

  /** True while all servers for a name are known to fail. */
  isFailing(name: string): boolean {
    const now = this.#options.nowMs();
    return this.#serversOf(name).servers.every((server) => isPenalized(server, this.#stats, now));
  }

  /** All servers in the order of the configuration: the host's, then those of single domains. */
  servers(): readonly UpstreamState[] {
    const { domains, upstreams, nowMs } = this.#options;
    const now = nowMs();
    const stateOf = (upstream: Upstream, domain?: string): UpstreamState => ({
      ...(this.#stats.get(keyOf(upstream)) ?? UNTRIED),
      endpoint: { address: upstream.address, port: upstream.port },
      domain,
      isLastResort: upstream.isLastResort === true,
      isFailing: isPenalized(upstream, this.#stats, now),
    });
    return [
      ...upstreams.current('').map((upstream) => stateOf(upstream)),
      ...domains.flatMap(({ domain, servers }) => servers.map((server) => stateOf(server, domain))),
    ].filter(({ endpoint }) => !this.#isOwn(endpoint));
  }

  stats(): readonly UpstreamStats[] {
    return [...this.#stats.values()];
  }

  /**
   * The host is on another network, perhaps: a server that could not be reached before may be reachable now.
   */
  endPenalties(): void {
    for (const [key, stats] of this.#stats)
      this.#stats.set(key, { ...stats, failuresInRow: 0, tcpUntilMs: undefined });
  }

  /**
   * Over UDP, then over TCP if the answer was truncated: https://www.rfc-editor.org/rfc/rfc7766#section-5.
   */
  async #ask(
    endpoint: Endpoint,
    query: DnsQuery,
    isTcp: boolean,
    cancellation: Cancellation,
  ): Promise<AskResult> {
    const short = await askByUdp(endpoint, query, cancellation);
    if (short.kind === 'failed' || !short.answer.header.isTruncated) return short;
    const withinMs = Math.min(TCP_WITHIN_MS, waitMsOf(this.#options.upstreams.patience) / 2);
    const late = new Cancellation();
    const cancel = (): void => late.cancel();
    const timer = setTimeout(cancel, withinMs);
    if (cancellation.isCancelled) cancel();
    cancellation.add(cancel);
    const whole = await this.#askByTcp(endpoint, query, late);
    clearTimeout(timer);
    cancellation.delete(cancel);
    return whole.kind === 'answer' || isTcp ? whole : short;
  }

  async #askByTcp(endpoint: Endpoint, query: DnsQuery, cancellation: Cancellation): Promise<AskResult> {
    if (this.#tcpCount >= MAX_TCP) return { kind: 'failed', reason: 'too many connections' };
    this.#tcpCount += 1;
    try {
      return await askByTcp(endpoint, query, cancellation);
    } finally {
      this.#tcpCount -= 1;
    }
  }

  #attempts(servers: readonly Upstream[], patience: Patience): readonly Attempt[] {
    const now = this.#options.nowMs();
    const isUsual = servers.every((server) => this.#doesWell(server, now));
    if (isUsual && this.#plan?.servers === servers && this.#plan.patience === patience) {
      return this.#plan.attempts;
    }
    const order = planUpstreamOrder(servers, this.#stats, now);
    const attempts = planAttempts(order, patience, (endpoint) => this.#asksByTcp(endpoint, now));
    if (isUsual) this.#plan = { servers, patience, attempts };
    return attempts;
  }

  #doesWell(server: Upstream, nowMs: number): boolean {
    return !isPenalized(server, this.#stats, nowMs) && !this.#asksByTcp(server, nowMs);
  }

  #serversOf(name: string): { readonly servers: readonly Upstream[]; readonly domain: string | undefined } {
    const { domains, upstreams } = this.#options;
    const route = routeOf(name, domains);
    const configured = route?.servers ?? upstreams.current(name);
    let servers = this.#withoutOwn.get(configured);
    if (servers === undefined) {
      servers = configured.filter((server) => !this.#isOwn(server));
      this.#withoutOwn.set(configured, servers);
    }
    return { servers, domain: route?.domain };
  }

  #isOwn(endpoint: Endpoint): boolean {
    return keyOf({ ...endpoint, address: endpoint.address.replace(/^::ffff:/i, '') }) === this.#ownEndpoint;
  }

  #asksByTcp(endpoint: Endpoint, nowMs: number): boolean {
    return (this.#stats.get(keyOf(endpoint))?.tcpUntilMs ?? -Infinity) > nowMs;
  }

  #note({ endpoint, kind, transport }: Attempt, outcome: Outcome): void {
    const { logger, nowMs } = this.#options;
    const isOther = kind === 'other transport';
    // Most servers that are slow over UDP are no worse for not offering TCP.
    if (isOther && outcome.kind !== 'answered') return;
    const key = keyOf(endpoint);
    const now = nowMs();
    const before = this.#stats.get(key) ?? UNTRIED;
    const health = nextHealth(before, outcome, now);
    // Deleted first, so that the map stays in the order of use.
    this.#stats.delete(key);
    this.#stats.set(key, { ...(isOther ? afterOtherTransport(health, transport, now) : health), endpoint });
    this.#forget();
    if (outcome.kind === 'failed' && this.#warnings.allows(key, now)) {
      logger.warn('dns.upstream.failed', { upstream: key, reason: outcome.reason });
    }
  }

  #forget(): void {
    for (const key of this.#stats.keys()) {
      if (this.#stats.size <= MAX_REMEMBERED) return;
      this.#stats.delete(key);
    }
  }
}

function keyOf({ address, port }: Endpoint): string {
  return joinHostPort(address, port);
}

function nextHealth(health: UpstreamHealth, outcome: Outcome, nowMs: number): UpstreamHealth {
  switch (outcome.kind) {
    case 'started':
      return { ...health, sent: health.sent + 1 };
    case 'answered':
      return afterAnswer(health, outcome.afterMs);
    case 'failed':
      return afterFailure(health, nowMs);
  }
}
