import { describe, expect, it } from 'vitest';
import { joinHostPort, type Endpoint } from '../../../../src/proxy/endpoint.js';
import { DEFAULT_PATIENCE, type Patience, type Upstream } from '../../../../src/proxy/dns/resolver-source.js';
import {
  afterAnswer,
  afterFailure,
  planAttempts,
  planUpstreamOrder,
  waitMsOf,
  UNTRIED,
  type UpstreamHealth,
} from '../../../../src/proxy/dns/upstreams.plan.js';

const [a, b, c] = ['192.0.2.1', '192.0.2.2', 'fe80::1%eth0'].map((address) => ({ address, port: 53 })) as [
  Endpoint,
  Endpoint,
  Endpoint,
];
const NOW = 1_000_000;

function failures(count: number, endedMs: number): UpstreamHealth {
  return Array.from({ length: count }).reduce<UpstreamHealth>((one) => afterFailure(one, endedMs), UNTRIED);
}

function order(health: readonly (readonly [Endpoint, UpstreamHealth])[], nowMs = NOW) {
  const map = new Map(health.map(([endpoint, one]) => [joinHostPort(endpoint.address, endpoint.port), one]));
  return planUpstreamOrder([a, b, c], map, nowMs);
}

describe('the order of upstreams', () => {
  it('is that of the system', () => {
    expect(order([])).toEqual([a, b, c]);
  });

  it('has servers that failed recently last', () => {
    expect(order([[a, failures(1, NOW - 100)], [b, failures(3, NOW - 100)]])).toEqual([c, a, b]); // prettier-ignore
  });

  it('doubles the penalty with each failure, up to a minute', () => {
    expect(order([[a, failures(1, NOW)]], NOW + 4_999)[0]).toBe(b);
    expect(order([[a, failures(1, NOW)]], NOW + 5_000)[0]).toBe(a);
    expect(order([[a, failures(2, NOW)]], NOW + 9_999)[0]).toBe(b);
    expect(order([[a, failures(2, NOW)]], NOW + 10_000)[0]).toBe(a);
    expect(order([[a, failures(50, NOW)]], NOW + 60_000)[0]).toBe(a);
  });

  it('ends the penalty with an answer', () => {
    expect(order([[a, afterAnswer(failures(9, NOW), 12)]])[0]).toBe(a);
  });

  it('is unchanged if all have failed', () => {
    const bad = failures(1, NOW);
    expect(order([[a, bad], [b, bad], [c, bad]])).toEqual([a, b, c]); // prettier-ignore
  });

  it('smooths the latency', () => {
    expect(afterAnswer(UNTRIED, 80).latencyMs).toBe(80);
    expect(afterAnswer(afterAnswer(UNTRIED, 80), 160).latencyMs).toBe(90);
  });
});

const never = (): boolean => false;

/** "time transport address kind", in order. */
function timetable(
  order: readonly Upstream[],
  patience: Partial<Patience> = {},
  asksByTcp: (endpoint: Endpoint) => boolean = never,
): readonly string[] {
  return planAttempts(order, { ...DEFAULT_PATIENCE, ...patience }, asksByTcp).map(
    ({ endpoint, transport, afterMs, kind }) =>
      `${afterMs ?? 'last'} ${transport} ${endpoint.address} ${kind}`,
  );
}

describe('the attempts', () => {
  it('ask each server 300 ms after the one before, the first two again, then all over TCP', () => {
    expect(timetable([a, b, c])).toEqual([
      '0 udp 192.0.2.1 first',
      '300 udp 192.0.2.2 first',
      '600 udp fe80::1%eth0 first',
      '900 udp 192.0.2.1 repeat',
      '1200 udp 192.0.2.2 repeat',
      '1500 tcp 192.0.2.1 other transport',
      '1800 tcp 192.0.2.2 other transport',
      '2100 tcp fe80::1%eth0 other transport',
    ]);
  });

  it('are repeated as often as the host does', () => {
    expect(timetable([a], { attempts: 3, timeoutMs: 2_000 })).toEqual([
      '0 udp 192.0.2.1 first',
      '900 udp 192.0.2.1 repeat',
      '1500 tcp 192.0.2.1 other transport',
      '2900 udp 192.0.2.1 repeat',
    ]);
    expect(timetable([a], { attempts: 1, timeoutMs: 1_000 })).toEqual([
      '0 udp 192.0.2.1 first',
      '500 tcp 192.0.2.1 other transport',
    ]);
  });

  it('begin with TCP for a server that is silent over UDP, and use nothing else if the host does so', () => {
    expect(timetable([a], {}, () => true)).toEqual([
      '0 tcp 192.0.2.1 first',
      '1500 udp 192.0.2.1 other transport',
    ]);
    expect(timetable([a, b], { usesTcp: true })).toEqual([
      '0 tcp 192.0.2.1 first',
      '300 tcp 192.0.2.2 first',
    ]);
  });

  it('have servers of last resort at the end, without a time of their own', () => {
    expect(timetable([{ ...a, isLastResort: true }, b], { attempts: 1 })).toEqual([
      '0 udp 192.0.2.2 first',
      '1500 tcp 192.0.2.2 other transport',
      'last udp 192.0.2.1 first',
    ]);
  });

  it('ask at most four servers', () => {
    expect(timetable([a, b, c, a, b, c, a]).filter((line) => line.endsWith('first'))).toHaveLength(4);
  });

  it('end when the host would give up, but after one second at least and ten at most', () => {
    const wait = (timeoutMs: number, attempts: number): number =>
      waitMsOf({ timeoutMs, attempts, usesTcp: false });
    expect([wait(5_000, 2), wait(2_000, 2), wait(1, 1), wait(30_000, 5)]).toEqual([
      10_000, 4_000, 1_000, 10_000,
    ]);
  });
});

describe('an endpoint', () => {
  it('has its IPv6 address in brackets', () => {
    expect([a, c].map(({ address, port }) => joinHostPort(address, port))).toEqual([
      '192.0.2.1:53',
      '[fe80::1%eth0]:53',
    ]);
  });
});
