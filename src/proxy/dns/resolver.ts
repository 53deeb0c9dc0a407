import type { Logger } from '../../core/host/index.js';
import { joinHostPort, type Endpoint } from '../endpoint.js';
import { OncePerMinute } from '../once-per-minute.js';
import { askByTcp, askByUdp, type AskResult } from './ask-upstream.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import { race, type Outcome } from './race.js';
import type { ResolverSource } from './resolver-source.js';
import {
  afterAnswer,
  afterFailure,
  planAttempts,
  planUpstreamOrder,
  UNTRIED,
  type UpstreamHealth,
} from './upstreams.plan.js';

export interface ResolverOptions {
  readonly upstreams: ResolverSource;
  /** Our own server: asking it would be an endless loop. */
  readonly ownEndpoint: Endpoint;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export type Resolution =
  | { readonly kind: 'answer'; readonly answer: DnsMessage }
  | { readonly kind: 'failed'; readonly reason: 'no-upstream' | 'no-answer' };

export interface UpstreamStats extends UpstreamHealth {
  readonly endpoint: Endpoint;
}

/** More servers than any host has; the least recently used ones are forgotten. */
const MAX_REMEMBERED = 64;
const MAX_TCP = 100;
/** Leaves time to fall back to the truncated answer if the upstream does not speak TCP. */
const TCP_WITHIN_MS = 1_000;

/** Forwards queries to the host's resolvers and keeps track of how each of them does. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #ownEndpoint: string;
  readonly #warnings = new OncePerMinute();
  readonly #stats = new Map<string, UpstreamStats>();
  #tcpCount = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#ownEndpoint = keyOf(options.ownEndpoint);
  }

  /** @param isTcp the client asked over TCP: a truncated answer is of no use to it */
  async resolve(query: DnsQuery, isTcp: boolean, signal: AbortSignal): Promise<Resolution> {
    const { nowMs, upstreams } = this.#options;
    const endpoints = upstreams
      .current(query.name)
      .filter((endpoint) => keyOf(endpoint) !== this.#ownEndpoint);
    if (endpoints.length === 0) return { kind: 'failed', reason: 'no-upstream' };
    const answer = await race({
      attempts: planAttempts(planUpstreamOrder(endpoints, this.#stats, nowMs())),
      ask: ({ endpoint }, cancel) => this.#ask(endpoint, query, isTcp, cancel),
      report: ({ endpoint }, outcome) => this.#note(endpoint, outcome),
      signal,
    });
    return answer === undefined ? { kind: 'failed', reason: 'no-answer' } : { kind: 'answer', answer };
  }

  stats(): readonly UpstreamStats[] {
    return [...this.#stats.values()];
  }

  /**
   * The host is on another network, perhaps: a server that could not be reached before may be reachable now.
   */
  endPenalties(): void {
    for (const [key, stats] of this.#stats) this.#stats.set(key, { ...stats, failuresInRow: 0 });
  }

  /**
   * Over UDP, then over TCP if the answer was truncated: https://www.rfc-editor.org/rfc/rfc7766#section-5.
   */
  async #ask(endpoint: Endpoint, query: DnsQuery, isTcp: boolean, signal: AbortSignal): Promise<AskResult> {
    const short = await askByUdp(endpoint, query, signal);
    if (short.kind === 'failed' || !short.answer.header.isTruncated) return short;
    if (this.#tcpCount >= MAX_TCP) return isTcp ? { kind: 'failed', reason: 'too many connections' } : short;
    this.#tcpCount += 1;
    try {
      const whole = await askByTcp(
        endpoint,
        query,
        AbortSignal.any([signal, AbortSignal.timeout(TCP_WITHIN_MS)]),
      );
      return whole.kind === 'answer' || isTcp ? whole : short;
    } finally {
      this.#tcpCount -= 1;
    }
  }

  #note(endpoint: Endpoint, outcome: Outcome): void {
    const { logger, nowMs } = this.#options;
    const key = keyOf(endpoint);
    const before = this.#stats.get(key) ?? UNTRIED;
    // Deleted first, so that the map stays in the order of use.
    this.#stats.delete(key);
    this.#stats.set(key, { ...nextHealth(before, outcome, nowMs()), endpoint });
    this.#forget();
    if (outcome.kind === 'failed' && this.#warnings.allows(key, nowMs())) {
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
