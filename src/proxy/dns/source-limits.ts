/** Where a query came from. */
export interface QuerySource {
  readonly address: string;
  readonly port: number;
}

export interface SourceLimitOptions {
  /** Queries per second and address, on average; as many may come at once. */
  readonly perSecond: number;
  /** Refusals per second and address; further queries are dropped. */
  readonly refusalsPerSecond: number;
  /** Queries that wait for an upstream: of all, of one address, of one socket. */
  readonly outstanding: { readonly all: number; readonly perAddress: number; readonly perSocket: number };
}

/**
 * A container that resolves in a loop has a socket or two; all of one VM share its address. So each has its
 * share, and some is always left for the others.
 */
export const SOURCE_LIMITS: SourceLimitOptions = {
  perSecond: 20_000,
  refusalsPerSecond: 200,
  // Each one has a socket or two open.
  outstanding: { all: 1_000, perAddress: 800, perSocket: 250 },
};

export type Admission = 'admitted' | 'refused' | 'dropped';

/** More addresses than a /24 network has; the one that was silent for longest is forgotten. */
const MAX_ADDRESSES = 256;

/** Tokens that come back with time, up to one second's worth. */
class Bucket {
  readonly #perSecond: number;
  #tokens: number;
  #lastMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#lastMs = nowMs;
  }

  take(nowMs: number): boolean {
    const back = ((nowMs - this.#lastMs) * this.#perSecond) / 1_000;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + Math.max(0, back));
    this.#lastMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** Keeps one source from taking what all share: time and pending queries. Bounded itself. */
export class SourceLimits {
  readonly #options: SourceLimitOptions;
  readonly #buckets = new Map<string, { readonly queries: Bucket; readonly refusals: Bucket }>();
  readonly #outstanding = new Map<string, number>();
  #all = 0;

  constructor(options: SourceLimitOptions) {
    this.#options = options;
  }

  get outstanding(): number {
    return this.#all;
  }

  /** @param nowMs of a clock that never steps */
  admit({ address }: QuerySource, nowMs: number): Admission {
    const { queries, refusals } = this.#bucketsOf(address, nowMs);
    if (queries.take(nowMs)) return 'admitted';
    return refusals.take(nowMs) ? 'refused' : 'dropped';
  }

  /** @returns undefined if there are too many already, or else the function to call when the query is answered */
  begin({ address, port }: QuerySource): (() => void) | undefined {
    const { all, perAddress, perSocket } = this.#options.outstanding;
    const socket = `${address} ${port}`;
    if (this.#all >= all || this.#count(address) >= perAddress || this.#count(socket) >= perSocket) {
      return undefined;
    }
    this.#add(address, 1);
    this.#add(socket, 1);
    this.#all += 1;
    return () => {
      this.#add(address, -1);
      this.#add(socket, -1);
      this.#all -= 1;
    };
  }

  #count(key: string): number {
    return this.#outstanding.get(key) ?? 0;
  }

  #add(key: string, change: 1 | -1): void {
    const count = this.#count(key) + change;
    if (count === 0) this.#outstanding.delete(key);
    else this.#outstanding.set(key, count);
  }

  #bucketsOf(address: string, nowMs: number): { readonly queries: Bucket; readonly refusals: Bucket } {
    const known = this.#buckets.get(address);
    if (known !== undefined) return known;
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= MAX_ADDRESSES && oldest !== undefined) this.#buckets.delete(oldest);
    const { perSecond, refusalsPerSecond } = this.#options;
    const made = { queries: new Bucket(perSecond, nowMs), refusals: new Bucket(refusalsPerSecond, nowMs) };
    this.#buckets.set(address, made);
    return made;
  }
}
