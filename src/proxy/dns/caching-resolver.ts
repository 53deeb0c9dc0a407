import { AnswerCache, type CachedAnswer, type CacheFigures, type CacheOptions } from './answer-cache.js';
import type { Cancellation } from './cancellation.js';
import { SERVER_PROBLEMS } from './dns-constants.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import type { Resolution, Resolver, UpstreamSource } from './resolver.js';
import { addressedTo, sharedAnswer, sharingKey, type SharedAnswer } from './shared-answer.plan.js';

/** Where an answer came from. */
export type AnswerSource =
  UpstreamSource | { readonly kind: 'cache'; readonly ageSeconds: number; readonly isStale: boolean };

export type CachedResolution =
  | { readonly kind: 'answer'; readonly answer: DnsMessage; readonly from: AnswerSource }
  | Extract<Resolution, { kind: 'failed' }>;

export interface CachingResolverOptions {
  readonly resolver: Pick<Resolver, 'resolve' | 'isFailing'>;
  readonly limits: CacheOptions;
  /** Of a clock that never steps. */
  readonly nowMs: () => number;
}

/** The query that equal queries share, and its outcome. */
interface Asking {
  readonly resolution: Resolution;
  readonly shared: SharedAnswer | undefined;
}

/** https://www.rfc-editor.org/rfc/rfc8767#section-4 */
const STALE_TTL_SECONDS = 30;

/**
 * Asks the upstreams once for what several clients want to know, and remembers the answers for as long as
 * their times to live allow (https://www.rfc-editor.org/rfc/rfc2308 for those without records).
 */
export class CachingResolver {
  readonly #options: CachingResolverOptions;
  readonly #cache: AnswerCache;
  readonly #asking = new Map<string, Promise<Asking>>();
  readonly #counts = { hits: 0, misses: 0, stale: 0 };
  #generation = 0;

  constructor(options: CachingResolverOptions) {
    this.#options = options;
    this.#cache = new AnswerCache(options.limits);
  }

  /** An answer that is still valid, without asking an upstream. */
  recall(query: DnsQuery): CachedResolution | undefined {
    const key = sharingKey(query);
    const cached = key === undefined ? undefined : this.#cache.get(key, this.#options.nowMs());
    if (cached === undefined || cached.isStale) return undefined;
    this.#counts.hits += 1;
    return fromCache(query, cached);
  }

  /**
   * Asks the upstreams, or waits with those who ask the same already. If all of them fail, an answer that has
   * run out is better than none (https://www.rfc-editor.org/rfc/rfc8767); while they are known to fail it is
   * given at once, and they are asked in the background.
   * @param isTcp the client asked over TCP: a truncated answer is of no use to it
   */
  async resolve(query: DnsQuery, isTcp: boolean, cancellation: Cancellation): Promise<CachedResolution> {
    this.#counts.misses += 1;
    const key = sharingKey(query);
    if (key === undefined) return this.#options.resolver.resolve(query, isTcp, cancellation);
    const asking = this.#ask(key, query, isTcp, cancellation);
    const stale = this.#cache.get(key, this.#options.nowMs());
    if (stale !== undefined && this.#options.resolver.isFailing(query.name)) {
      // Only its effect on the cache matters.
      void asking.promise.catch(() => undefined);
      return this.#fromStale(query, stale);
    }
    const { resolution, shared } = await asking.promise;
    if (isFailure(resolution)) {
      const last = this.#cache.get(key, this.#options.nowMs());
      if (last !== undefined) return this.#fromStale(query, last);
    }
    if (asking.isOwn || resolution.kind === 'failed') return resolution;
    if (shared === undefined) return this.#options.resolver.resolve(query, isTcp, cancellation);
    return { ...resolution, answer: addressedTo(query, shared, { ageSeconds: 0 }) };
  }

  /** The host is on another network, or its names have changed: everything cached is obsolete. */
  flush(): void {
    this.#generation += 1;
    this.#asking.clear();
    this.#cache.flush();
  }

  figures(): CacheFigures {
    const { entries, bytes, evicted } = this.#cache;
    return { entries, bytes, evicted, ...this.#counts };
  }

  #ask(
    key: string,
    query: DnsQuery,
    isTcp: boolean,
    cancellation: Cancellation,
  ): { readonly promise: Promise<Asking>; readonly isOwn: boolean } {
    const transportKey = isTcp ? `${key} tcp` : key;
    const running = this.#asking.get(transportKey);
    if (running !== undefined) return { promise: running, isOwn: false };
    const promise = this.#askUpstream(key, query, isTcp, cancellation);
    this.#asking.set(transportKey, promise);
    const forget = (): void => {
      if (this.#asking.get(transportKey) === promise) this.#asking.delete(transportKey);
    };
    promise.then(forget, forget);
    return { promise, isOwn: true };
  }

  async #askUpstream(
    key: string,
    query: DnsQuery,
    isTcp: boolean,
    cancellation: Cancellation,
  ): Promise<Asking> {
    const generation = this.#generation;
    const resolution = await this.#options.resolver.resolve(query, isTcp, cancellation);
    if (resolution.kind === 'failed') return { resolution, shared: undefined };
    const shared = sharedAnswer(query, resolution.answer);
    // An answer from before a flush is still an answer, but not one to remember.
    if (shared !== undefined && generation === this.#generation) {
      this.#cache.put(key, shared, this.#options.nowMs());
    }
    return { resolution, shared };
  }

  #fromStale(query: DnsQuery, cached: CachedAnswer): CachedResolution {
    this.#counts.stale += 1;
    return fromCache(query, cached);
  }
}

function fromCache(query: DnsQuery, { shared, ageSeconds, isStale }: CachedAnswer): CachedResolution {
  const answer = addressedTo(query, shared, {
    ageSeconds,
    ...(isStale ? { staleSeconds: STALE_TTL_SECONDS } : {}),
  });
  return { kind: 'answer', answer, from: { kind: 'cache', ageSeconds, isStale } };
}

/** No server answered, or each one that did reported a failure. */
function isFailure(resolution: Resolution): boolean {
  return resolution.kind === 'failed' || SERVER_PROBLEMS.includes(resolution.answer.header.rcode);
}
