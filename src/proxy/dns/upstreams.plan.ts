import { joinHostPort, type Endpoint } from '../endpoint.js';
import type { Patience, Upstream } from './resolver-source.js';

/** How one upstream has performed. */
export interface UpstreamHealth {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Milliseconds, an exponential moving average with weight 1/8; undefined before the first answer. */
  readonly latencyMs: number | undefined;
  /** Failures since the last answer. */
  readonly failuresInRow: number;
  readonly lastFailureMs: number | undefined;
  /** Until then it is asked over TCP first: over UDP it is silent. */
  readonly tcpUntilMs: number | undefined;
}

export const UNTRIED: UpstreamHealth = {
  sent: 0,
  answered: 0,
  failed: 0,
  failuresInRow: 0,
  latencyMs: undefined,
  lastFailureMs: undefined,
  tcpUntilMs: undefined,
};

export type Transport = 'udp' | 'tcp';

export interface Attempt {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  /**
   * When it starts, counted from the query's arrival; earlier if all attempts before it have failed.
   * Undefined: only then.
   */
  readonly afterMs: number | undefined;
  /**
   * The first question to its server; a second packet, in case the first was lost; or the other transport, for
   * a server that is silent on its usual one.
   */
  readonly kind: 'first' | 'repeat' | 'other transport';
}

const FIRST_PENALTY_MS = 5_000;
const LONGEST_PENALTY_MS = 60_000;

/** A client normally gives up sooner: glibc and musl wait for 5 s, twice. */
const LONGEST_WAIT_MS = 10_000;
const SHORTEST_WAIT_MS = 1_000;
/** How long a server may take before the next one is asked as well. */
export const HEDGE_MS = 300;
/** A server that has to resolve the name itself often needs more than `HEDGE_MS`, so a repeat comes later. */
const REPEAT_AFTER_MS = 900;
/** Some networks drop DNS over UDP, and some servers do not offer it. */
const OTHER_TRANSPORT_AFTER_MS = 1_500;
/** How long a server that was silent over UDP is asked over TCP first. */
const TCP_FOR_MS = 60_000;
const MAX_SERVERS = 4;

export function afterAnswer(health: UpstreamHealth, latencyMs: number): UpstreamHealth {
  const smoothed =
    health.latencyMs === undefined ? latencyMs : health.latencyMs + (latencyMs - health.latencyMs) / 8;
  return { ...health, answered: health.answered + 1, latencyMs: smoothed, failuresInRow: 0 };
}

/** It answered over TCP while its usual transport, UDP, was silent; or over UDP again. */
export function afterOtherTransport(
  health: UpstreamHealth,
  transport: Transport,
  nowMs: number,
): UpstreamHealth {
  return { ...health, tcpUntilMs: transport === 'tcp' ? nowMs + TCP_FOR_MS : undefined };
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
  endpoints: readonly Upstream[],
  health: ReadonlyMap<string, UpstreamHealth>,
  nowMs: number,
): readonly Upstream[] {
  const penalized = (endpoint: Endpoint): boolean => isPenalized(endpoint, health, nowMs);
  return [
    ...endpoints.filter((endpoint) => !penalized(endpoint)),
    ...endpoints.filter((endpoint) => penalized(endpoint)),
  ];
}

/** True while a server that has failed is not asked before those that have not. */
export function isPenalized(
  { address, port }: Endpoint,
  health: ReadonlyMap<string, UpstreamHealth>,
  nowMs: number,
): boolean {
  const { failuresInRow, lastFailureMs } = health.get(joinHostPort(address, port)) ?? UNTRIED;
  if (failuresInRow === 0 || lastFailureMs === undefined) return false;
  const penaltyMs = Math.min(LONGEST_PENALTY_MS, FIRST_PENALTY_MS * 2 ** Math.min(failuresInRow - 1, 10));
  return nowMs - lastFailureMs < penaltyMs;
}

/** How long a query may take altogether: as long as the host's own resolver would wait, within reason. */
export function waitMsOf({ timeoutMs, attempts }: Patience): number {
  return Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, timeoutMs * attempts));
}

/**
 * Which server to ask when: each one once, 300 ms apart; the first two again in case packets were lost, as
 * often as the host does; then over the other transport; the servers of last resort after all others.
 * @param asksByTcp which servers are asked over TCP first
 */
export function planAttempts(
  order: readonly Upstream[],
  patience: Patience,
  asksByTcp: (endpoint: Endpoint) => boolean,
): readonly Attempt[] {
  const usual = (endpoint: Endpoint): Transport => (patience.usesTcp || asksByTcp(endpoint) ? 'tcp' : 'udp');
  const servers = order.filter(({ isLastResort }) => isLastResort !== true).slice(0, MAX_SERVERS);
  const timed = servers.flatMap((endpoint, index): readonly Attempt[] => {
    const transport = usual(endpoint);
    const at = (afterMs: number): number => afterMs + index * HEDGE_MS;
    const repeats = index < 2 && transport === 'udp' ? patience.attempts - 1 : 0;
    const other: Attempt = {
      endpoint,
      transport: transport === 'udp' ? 'tcp' : 'udp',
      afterMs: at(Math.min(OTHER_TRANSPORT_AFTER_MS, waitMsOf(patience) / 2)),
      kind: 'other transport',
    };
    return [
      { endpoint, transport, afterMs: at(0), kind: 'first' },
      ...Array.from({ length: repeats }, (_, count): Attempt => ({
        endpoint,
        transport,
        afterMs: at(REPEAT_AFTER_MS + count * patience.timeoutMs),
        kind: 'repeat',
      })),
      ...(patience.usesTcp ? [] : [other]),
    ];
  });
  const last = order
    .filter(({ isLastResort }) => isLastResort === true)
    .slice(0, MAX_SERVERS)
    .map((endpoint): Attempt => ({
      endpoint,
      transport: usual(endpoint),
      afterMs: undefined,
      kind: 'first',
    }));
  return [...timed.toSorted((a, b) => (a.afterMs ?? 0) - (b.afterMs ?? 0)), ...last];
}
