import { endpointText, type DnsEndpoint } from './dns-endpoint.js';

export interface UpstreamHealth {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Of late, milliseconds, new ones weighted by an eighth; undefined before the first answer. */
  readonly latencyMs: number | undefined;
  /** How often it failed since its last answer. */
  readonly failuresInRow: number;
  readonly lastFailureMs: number | undefined;
}

export const UNTRIED: UpstreamHealth = {
  ...{ sent: 0, answered: 0, failed: 0, failuresInRow: 0 },
  ...{ latencyMs: undefined, lastFailureMs: undefined },
};

const FIRST_PENALTY_MS = 5_000;
const LONGEST_PENALTY_MS = 60_000;

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
 * The order in which to ask: as the system lists them, because the first may be the only one that knows the inner
 * names, but those that failed of late behind all others. Each failure in a row doubles how long that lasts, from
 * 5 s up to a minute; then it is tried again in its old place.
 */
export function planUpstreamOrder(
  endpoints: readonly DnsEndpoint[],
  health: ReadonlyMap<string, UpstreamHealth>,
  nowMs: number,
): readonly DnsEndpoint[] {
  const isShunned = (endpoint: DnsEndpoint): boolean => {
    const { failuresInRow, lastFailureMs } = health.get(endpointText(endpoint)) ?? UNTRIED;
    if (failuresInRow === 0 || lastFailureMs === undefined) return false;
    const penaltyMs = Math.min(LONGEST_PENALTY_MS, FIRST_PENALTY_MS * 2 ** Math.min(failuresInRow - 1, 10));
    return nowMs - lastFailureMs < penaltyMs;
  };
  return [
    ...endpoints.filter((endpoint) => !isShunned(endpoint)),
    ...endpoints.filter((endpoint) => isShunned(endpoint)),
  ];
}
