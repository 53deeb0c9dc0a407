import type { Logger } from '../../core/host/index.js';
import { OncePerMinute } from '../once-per-minute.js';
import { askByTcp } from './ask-by-tcp.js';
import { askByUdp } from './ask-by-udp.js';
import type { AskResult } from './ask-result.js';
import { planAttempts } from './ask-schedule.plan.js';
import { endpointText, type DnsEndpoint } from './dns-endpoint.js';
import { decodeHeader } from './header.codec.js';
import type { DnsQuery } from './message.codec.js';
import { nameText } from './name.codec.js';
import { race, type Outcome } from './race.js';
import {
  afterAnswer,
  afterFailure,
  planUpstreamOrder,
  UNTRIED,
  type UpstreamHealth,
} from './upstream-order.plan.js';

export interface ResolverOptions {
  /** The servers for a name, as the system would ask them; called for each query. */
  readonly upstreams: (name: string) => readonly DnsEndpoint[];
  /** Ours: asking it would mean asking ourselves. */
  readonly ownEndpoint: DnsEndpoint;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export type Resolution =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: 'no-upstream' | 'no-answer' };

export interface UpstreamStats extends UpstreamHealth {
  readonly endpoint: DnsEndpoint;
}

/** More servers than any machine has; those not used for longest are forgotten. */
const MAX_REMEMBERED = 64;
const MAX_TCP = 100;
/** Leaves time to give the truncated answer when the upstream does not do TCP. */
const TCP_WITHIN_MS = 1_000;

/** Forwards queries to the system's resolvers and remembers how these do. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #quiet = new OncePerMinute();
  readonly #health = new Map<string, UpstreamHealth>();
  readonly #endpoints = new Map<string, DnsEndpoint>();
  #tcpCount = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** @param isTcp the client asked over TCP: a truncated answer is of no use to it */
  async resolve(query: DnsQuery, isTcp: boolean, signal: AbortSignal): Promise<Resolution> {
    const { nowMs, upstreams } = this.#options;
    const endpoints = upstreams(nameText(query.question.name)).filter((endpoint) => !this.#isOurs(endpoint));
    if (endpoints.length === 0) return { kind: 'failed', reason: 'no-upstream' };
    const bytes = await race({
      attempts: planAttempts(planUpstreamOrder(endpoints, this.#health, nowMs())),
      ask: ({ endpoint }, cancel) => this.#ask(endpoint, query, isTcp, cancel),
      report: ({ endpoint }, outcome) => this.#note(endpoint, outcome),
      signal,
    });
    return bytes === undefined ? { kind: 'failed', reason: 'no-answer' } : { kind: 'answer', bytes };
  }

  stats(): readonly UpstreamStats[] {
    return [...this.#health].flatMap(([key, health]) => {
      const endpoint = this.#endpoints.get(key);
      return endpoint === undefined ? [] : [{ endpoint, ...health }];
    });
  }

  /** UDP, and TCP for what UDP cut off: RFC 7766 §5. */
  async #ask(
    endpoint: DnsEndpoint,
    query: DnsQuery,
    isTcp: boolean,
    signal: AbortSignal,
  ): Promise<AskResult> {
    const short = await askByUdp(endpoint, query, signal);
    if (short.kind === 'failed' || !decodeHeader(short.bytes).isTruncated) return short;
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

  #note(endpoint: DnsEndpoint, outcome: Outcome): void {
    const { logger, nowMs } = this.#options;
    const key = endpointText(endpoint);
    const health = this.#health.get(key) ?? UNTRIED;
    // Deleted first, so that the map stays in the order of use.
    this.#health.delete(key);
    this.#health.set(key, nextHealth(health, outcome, nowMs()));
    this.#endpoints.set(key, endpoint);
    this.#forget();
    if (outcome.kind === 'failed' && this.#quiet.allows(key, nowMs())) {
      logger.warn('dns.upstream.failed', { upstream: key, reason: outcome.reason });
    }
  }

  #forget(): void {
    for (const key of this.#health.keys()) {
      if (this.#health.size <= MAX_REMEMBERED) return;
      this.#health.delete(key);
      this.#endpoints.delete(key);
    }
  }

  #isOurs(endpoint: DnsEndpoint): boolean {
    return endpointText(endpoint) === endpointText(this.#options.ownEndpoint);
  }
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
