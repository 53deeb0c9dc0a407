import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/core/host/index.js';
import { parseIpv4 } from '../../src/core/values/index.js';
import { decodeHeader } from '../../src/proxy/dns/header.codec.js';
import { SOURCE_LIMITS } from '../../src/proxy/dns/source-limits.js';
import { askUdp, startTestServer } from '../support/dns-client.js';
import { answerBytes, queryBytes } from '../support/dns-message.js';
import { DnsUpstream } from '../support/dns-upstream.js';

const NO_ERROR = 0;
const REFUSED = 5;
const address = { kind: 'a', address: parseIpv4('192.0.2.7') } as const;
const rcodeOf = (answer: Uint8Array | undefined): number | undefined =>
  answer === undefined ? undefined : decodeHeader(answer).rcode;

describe('a source that asks too much', () => {
  it('is refused once it has its share of pending questions, and others are answered', async () => {
    await using upstream = await DnsUpstream.start((query) =>
      query.name.startsWith('fff') ? [{ bytes: answerBytes(query, [address]) }] : [],
    );
    await using server = await startTestServer([upstream.endpoint], {
      limits: { ...SOURCE_LIMITS, outstanding: { all: 30, perAddress: 20, perSocket: 20 } },
    });
    const pending = Array.from({ length: 20 }, (_, at) => askUdp(server.port, queryBytes(`n${at}.example`)));
    while (server.stats().outstanding < 20) await sleep(1);
    expect(rcodeOf(await askUdp(server.port, queryBytes('more.example')))).toBe(REFUSED);
    // Neither the names that are answered here nor those of other clients have to wait for it.
    expect(rcodeOf(await askUdp(server.port, queryBytes('localhost')))).toBe(NO_ERROR);
    const other = { from: '127.0.0.9' };
    expect(rcodeOf(await askUdp(server.port, queryBytes('fff.example'), other))).toBe(NO_ERROR);
    expect(server.stats()).toMatchObject({ refused: 1, outstanding: 20 });
    await server.close();
    await Promise.all(pending);
  });

  it('is refused over its rate, and left without an answer far over it', async () => {
    await using server = await startTestServer([], {
      limits: { ...SOURCE_LIMITS, perSecond: 5, refusalsPerSecond: 1 },
    });
    const query = queryBytes('localhost');
    // As fast as it can: the buckets refill meanwhile, by an amount that nobody knows.
    let sent = 0;
    while (server.stats().refused === 0 || server.stats().dropped === 0) {
      void askUdp(server.port, query, { waitMs: 1 });
      sent += 1;
      await sleep(1);
    }
    expect(server.stats().queries).toBeLessThan(sent);
    expect(rcodeOf(await askUdp(server.port, query, { from: '127.0.0.9' }))).toBe(NO_ERROR);
  });

  it('gets nothing but refusals for zone transfers, and one small record for ANY', async () => {
    await using upstream = await DnsUpstream.start((query) => [{ bytes: answerBytes(query, [address]) }]);
    await using server = await startTestServer([upstream.endpoint]);
    for (const type of [251, 252]) {
      expect(rcodeOf(await askUdp(server.port, queryBytes('corp.example', { type })))).toBe(REFUSED);
    }
    const any = await askUdp(server.port, queryBytes('corp.example', { type: 255 }));
    expect(decodeHeader(any!)).toMatchObject({ rcode: NO_ERROR, answers: 1 });
    expect(upstream.asked).toHaveLength(0);
  });
});
