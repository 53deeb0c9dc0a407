import { describe, expect, it } from 'vitest';
import { joinHostPort, type Endpoint } from '../../../../src/proxy/endpoint.js';
import {
  afterAnswer,
  afterFailure,
  planAttempts,
  planUpstreamOrder,
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

describe('the attempts', () => {
  it('ask each server 300 ms after the one before, then the first two again', () => {
    expect(planAttempts([a, b, c])).toEqual([
      { endpoint: a, afterMs: 0, isRepeat: false },
      { endpoint: b, afterMs: 300, isRepeat: false },
      { endpoint: c, afterMs: 600, isRepeat: false },
      { endpoint: a, afterMs: 900, isRepeat: true },
      { endpoint: b, afterMs: 1200, isRepeat: true },
    ]);
  });

  it('are at most six', () => {
    expect(planAttempts([a, b, c, a, b, c, a])).toHaveLength(6);
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
