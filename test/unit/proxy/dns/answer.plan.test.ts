import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../../../src/core/values/index.js';
import {
  errorAnswer,
  fitToUdp,
  headerOnlyAnswer,
  udpLimitOf,
} from '../../../../src/proxy/dns/answer.plan.js';
import { extendedError } from '../../../../src/proxy/dns/edns.codec.js';
import { decodeHeader } from '../../../../src/proxy/dns/header.codec.js';
import { decodeMessage, decodeSections } from '../../../../src/proxy/dns/message.codec.js';
import { answerBytes, answersIn, queryBytes, queryFor } from '../../../support/dns-message.js';
import { toHex } from '../../../support/wire-fixture.js';

const manyAddresses = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    kind: 'a' as const,
    address: parseIpv4(`192.0.${at >> 8}.${at & 255}`),
  }));

describe('an answer over UDP', () => {
  it.each([
    ['without EDNS', queryFor('a'), 512],
    ['with an EDNS size below 512', queryFor('a', { edns: { udpBytes: 100 } }), 512],
    ['with an EDNS size', queryFor('a', { edns: { udpBytes: 1400 } }), 1400],
    ['with an EDNS size above the server’s', queryFor('a', { edns: { udpBytes: 65_535 } }), 4096],
  ])('%s has a limit', (_, query, limit) => {
    expect(udpLimitOf(query)).toBe(limit);
  });

  it('that fits is unchanged', () => {
    const query = queryFor('a.example');
    const answer = decodeMessage(answerBytes(query, manyAddresses(30)));
    expect(fitToUdp(answer, query)).toBe(answer.bytes);
  });

  it('that does not fit keeps its first records and its EDNS record, and has TC set', () => {
    const query = queryFor('a.example', { edns: { udpBytes: 600 } });
    const answer = answerBytes(query, manyAddresses(100));
    const cut = fitToUdp(decodeMessage(answer), query);
    expect(cut.length).toBeLessThanOrEqual(600);
    expect(cut.length).toBeGreaterThan(600 - 16);
    const { answers } = decodeSections(decodeMessage(cut));
    expect(decodeHeader(cut)).toMatchObject({ isTruncated: true, rcode: 0, additionals: 1 });
    expect(answersIn(cut)).toEqual(manyAddresses(100).slice(0, answers.length));
    expect(toHex(cut.slice(12, 100))).toBe(toHex(answer.slice(12, 100)));
  });

  it('is never longer than the client accepts, and always well-formed', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.option(fc.nat(3000)), (count, size) => {
        const query = queryFor('a.example', size === null ? {} : { edns: { udpBytes: size } });
        const cut = fitToUdp(decodeMessage(answerBytes(query, manyAddresses(count))), query);
        expect(cut.length).toBeLessThanOrEqual(udpLimitOf(query));
        decodeSections(decodeMessage(cut));
      }),
      { numRuns: 50 },
    );
  });

  it('that is malformed becomes a bare TC', () => {
    const query = queryFor('a.example');
    const garbled = Uint8Array.from([...answerBytes(query, manyAddresses(40)), 1, 2, 3]);
    const cut = fitToUdp(decodeMessage(garbled), query);
    decodeSections(decodeMessage(cut));
    expect(decodeHeader(cut)).toMatchObject({ isTruncated: true, isResponse: true, answers: 0 });
    expect(decodeHeader(cut).id).toBe(query.header.id);
  });
});

describe('a local answer', () => {
  it('has the original question, and no EDNS record for a client without EDNS', () => {
    const query = queryFor('wEb.Example');
    const answer = errorAnswer(query, 2, extendedError(23, 'why'));
    expect(toHex(answer.bytes)).toBe(
      `1234818200010000 00000000${toHex(queryBytes('wEb.Example').slice(12))}`.replace(' ', ''),
    );
  });

  it('includes the reason for a client with EDNS', () => {
    const query = queryFor('a', { edns: { dnssecOk: true } });
    const answer = errorAnswer(query, 2, extendedError(23, 'why'));
    expect(toHex(answer.bytes)).toContain('000f00050017776879');
    expect(decodeHeader(answer.bytes)).toEqual(answer.header);
    expect(answer.header).toMatchObject({ rcode: 2, additionals: 1, recursionAvailable: true });
  });

  it('to an unreadable message is only a header', () => {
    expect(toHex(headerOnlyAnswer(decodeHeader(queryBytes('a')), 1).bytes)).toBe('123481810000000000000000');
  });
});
