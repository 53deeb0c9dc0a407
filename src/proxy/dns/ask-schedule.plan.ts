import type { DnsEndpoint } from './dns-endpoint.js';

export interface Attempt {
  readonly endpoint: DnsEndpoint;
  /** Starts this long after the query came, unless those before it have failed earlier. */
  readonly afterMs: number;
  /** A lost packet's second chance, not a server that has not been asked yet. */
  readonly isRepeat: boolean;
}

/** Clients wait 5 s (glibc) or 2.5 s (musl) before they ask again: we know sooner. */
export const ANSWER_WITHIN_MS = 1_800;
/** How long the first server may take before the next one is asked as well. */
export const HEDGE_MS = 300;
/** A server that has to find the answer itself often needs more than `HEDGE_MS`: it is not asked twice so soon. */
const REPEAT_AFTER_MS = 900;
const MAX_SERVERS = 4;

/** Whom to ask when: each server once, 300 ms apart, then the first two again, for packets that got lost. */
export function planAttempts(order: readonly DnsEndpoint[]): readonly Attempt[] {
  const first = order
    .slice(0, MAX_SERVERS)
    .map((endpoint, index) => ({ endpoint, afterMs: index * HEDGE_MS, isRepeat: false }));
  const again = order
    .slice(0, 2)
    .map((endpoint, index) => ({ endpoint, afterMs: REPEAT_AFTER_MS + index * HEDGE_MS, isRepeat: true }));
  return [...first, ...again];
}
