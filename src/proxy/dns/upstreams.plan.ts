import { joinHostPort, type Endpoint } from '../endpoint.js';

/** How one upstream has done so far. */
export interface UpstreamHealth {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Milliseconds, an exponential moving average with weight 1/8; undefined before the first answer. */
  readonly latencyMs: number | undefined;
  /** Failures since the last answer. */
  readonly failuresInRow: number;
  readonly lastFailureMs: number | undefined;
}

export const UNTRIED: UpstreamHealth = {
  sent: 0,
  answered: 0,
  failed: 0,
  failuresInRow: 0,
  latencyMs: undefined,
  lastFailureMs: undefined,
};

export interface Attempt {
  readonly endpoint: Endpoint;
  /** When it starts, counted from the query's arrival; earlier if all attempts before it have failed. */
  readonly afterMs: number;
  /** A second packet to a server that was asked already, in case the first was lost. */
  readonly isRepeat: boolean;
}

const FIRST_PENALTY_MS = 5_000;
const LONGEST_PENALTY_MS = 60_000;

/** Clients retry after 5 s (glibc) or 2.5 s (musl): they should have an answer before that. */
export const ANSWER_WITHIN_MS = 1_800;
/** How long a server may take before the next one is asked as well. */
export const HEDGE_MS = 300;
/** A server that has to resolve the name itself often needs more than `HEDGE_MS`, so a repeat comes later. */
const REPEAT_AFTER_MS = 900;
const MAX_SERVERS = 4;

export function afterAnswer(health: UpstreamHealth, latencyMs: number): UpstreamHealth {
  const smoothed =
    health.latencyMs === undefined ? latencyMs : health.latencyMs + (latencyMs - health.latencyMs) / 8;
  return { ...health, answered: health.answered + 1, latencyMs: smoothed, failuresInRow: 0 };
}

export function afterFailure(health: UpstreamHealth, nowMs: number): UpstreamHealth {
  return {
    ...health,
    failed: health.failed + 1,
    failuresInRow: health.failuresInRow + 1,
    lastFailureMs: nowMs,
  };
}

/**
 * The system's order, because the first server may be the only one that knows internal names, but servers
 * that failed recently come last. The penalty doubles with each failure in a row, from 5 s up to a minute;
 * after it the server is back at its position.
 */
export function planUpstreamOrder(
  endpoints: readonly Endpoint[],
  health: ReadonlyMap<string, UpstreamHealth>,
  nowMs: number,
): readonly Endpoint[] {
  const isPenalized = ({ address, port }: Endpoint): boolean => {
    const { failuresInRow, lastFailureMs } = health.get(joinHostPort(address, port)) ?? UNTRIED;
    if (failuresInRow === 0 || lastFailureMs === undefined) return false;
    const penaltyMs = Math.min(LONGEST_PENALTY_MS, FIRST_PENALTY_MS * 2 ** Math.min(failuresInRow - 1, 10));
    return nowMs - lastFailureMs < penaltyMs;
  };
  return [
    ...endpoints.filter((endpoint) => !isPenalized(endpoint)),
    ...endpoints.filter((endpoint) => isPenalized(endpoint)),
  ];
}

/**
 * Which server to ask when: each one once, 300 ms apart, then the first two again in case packets were lost.
 */
export function planAttempts(order: readonly Endpoint[]): readonly Attempt[] {
  const first = order
    .slice(0, MAX_SERVERS)
    .map((endpoint, index) => ({ endpoint, afterMs: index * HEDGE_MS, isRepeat: false }));
  const again = order
    .slice(0, 2)
    .map((endpoint, index) => ({ endpoint, afterMs: REPEAT_AFTER_MS + index * HEDGE_MS, isRepeat: true }));
  return [...first, ...again];
}
