import type { SharedAnswer } from './shared-answer.plan.js';

export interface CacheOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** How long an answer is kept after it has expired, to be served while all servers fail. */
  readonly staleMs: number;
}

export interface CachedAnswer {
  readonly shared: SharedAnswer;
  readonly ageSeconds: number;
  /** Its time to live has run out. */
  readonly isStale: boolean;
}

export interface CacheFigures {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Answers that had run out and were given because no upstream answered. */
  readonly stale: number;
  /** Dropped for want of space. */
  readonly evicted: number;
}

/** A few thousand names are what a busy host uses in a day. */
export const CACHE_LIMITS: CacheOptions = {
  maxEntries: 10_000,
  maxBytes: 16 * 1024 * 1024,
  // Between one and three days: https://www.rfc-editor.org/rfc/rfc8767#section-5
  staleMs: 86_400_000,
};

/** What an entry takes besides its bytes: key, offsets, the map's own. */
const OVERHEAD_BYTES = 500;

interface Entry {
  readonly shared: SharedAnswer;
  readonly storedMs: number;
  readonly size: number;
}

/** Answers by {@link sharingKey}; the least recently used ones go first. INVARIANT: within the limits. */
export class AnswerCache {
  readonly #options: CacheOptions;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #evicted = 0;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evicted(): number {
    return this.#evicted;
  }

  /** @param nowMs of a clock that never steps */
  get(key: string, nowMs: number): CachedAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const ageMs = nowMs - entry.storedMs;
    const leftMs = entry.shared.lifetimeSeconds * 1_000 - ageMs;
    if (leftMs + this.#options.staleMs <= 0) {
      this.#drop(key, entry);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return { shared: entry.shared, ageSeconds: Math.floor(ageMs / 1_000), isStale: leftMs <= 0 };
  }

  /** Does nothing with an answer that may not be kept. */
  put(key: string, shared: SharedAnswer, nowMs: number): void {
    if (shared.lifetimeSeconds === 0) return;
    const before = this.#entries.get(key);
    if (before !== undefined) this.#drop(key, before);
    const size = shared.bytes.length + key.length + OVERHEAD_BYTES;
    this.#entries.set(key, { shared, storedMs: nowMs, size });
    this.#bytes += size;
    this.#evict();
  }

  flush(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #evict(): void {
    const { maxEntries, maxBytes } = this.#options;
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= maxEntries && this.#bytes <= maxBytes) return;
      this.#drop(key, entry);
      this.#evicted += 1;
    }
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.size;
  }
}
