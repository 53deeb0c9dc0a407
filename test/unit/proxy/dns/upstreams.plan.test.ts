import { describe, expect, it } from 'vitest';
import { planAttempts } from '../../../../src/proxy/dns/ask-schedule.plan.js';
import { endpointText, type DnsEndpoint } from '../../../../src/proxy/dns/dns-endpoint.js';
import {
  afterAnswer,
  afterFailure,
  planUpstreamOrder,
  UNTRIED,
  type UpstreamHealth,
} from '../../../../src/proxy/dns/upstream-order.plan.js';

const [a, b, c] = ['192.0.2.1', '192.0.2.2', 'fe80::1%eth0'].map((address) => ({ address, port: 53 })) as [
  DnsEndpoint,
  DnsEndpoint,
  DnsEndpoint,
];
const NOW = 1_000_000;

function failures(count: number, endedMs: number): UpstreamHealth {
  return Array.from({ length: count }).reduce<UpstreamHealth>((one) => afterFailure(one, endedMs), UNTRIED);
}

function order(health: readonly (readonly [DnsEndpoint, UpstreamHealth])[], nowMs = NOW) {
  const map = new Map(health.map(([endpoint, one]) => [endpointText(endpoint), one]));
  return planUpstreamOrder([a, b, c], map, nowMs);
}

describe('the order of upstreams', () => {
  it('is the system’s own', () => {
    expect(order([])).toEqual([a, b, c]);
  });

  it('has those behind that failed of late, in their order', () => {
    expect(order([[a, failures(1, NOW - 100)], [b, failures(3, NOW - 100)]])).toEqual([c, a, b]); // prettier-ignore
  });

  it('tries one again after its penalty, which doubles with each failure up to a minute', () => {
    expect(order([[a, failures(1, NOW)]], NOW + 4_999)[0]).toBe(b);
    expect(order([[a, failures(1, NOW)]], NOW + 5_000)[0]).toBe(a);
    expect(order([[a, failures(2, NOW)]], NOW + 9_999)[0]).toBe(b);
    expect(order([[a, failures(2, NOW)]], NOW + 10_000)[0]).toBe(a);
    expect(order([[a, failures(50, NOW)]], NOW + 60_000)[0]).toBe(a);
  });

  it('forgives with the first answer', () => {
    expect(order([[a, afterAnswer(failures(9, NOW), 12)]])[0]).toBe(a);
  });

  it('is the same when all have failed', () => {
    const bad = failures(1, NOW);
    expect(order([[a, bad], [b, bad], [c, bad]])).toEqual([a, b, c]); // prettier-ignore
  });

  it('comes with a latency that follows slowly', () => {
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
  it('is written with brackets around IPv6', () => {
    expect([a, c].map(endpointText)).toEqual(['192.0.2.1:53', '[fe80::1%eth0]:53']);
  });
});
