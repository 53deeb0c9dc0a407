import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, encodeHeader, type DnsHeader } from '../../../../src/proxy/dns/header.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  toHex,
  wireFixture,
} from '../../../support/wire-fixture.js';

const u16 = fc.nat(0xffff);
const anyHeader: fc.Arbitrary<DnsHeader> = fc.record({
  ...{ id: u16, questions: u16, answers: u16, authorities: u16, additionals: u16 },
  ...{ isResponse: fc.boolean(), isAuthoritative: fc.boolean(), isTruncated: fc.boolean() },
  ...{ recursionDesired: fc.boolean(), recursionAvailable: fc.boolean(), z: fc.boolean() },
  ...{ authenticData: fc.boolean(), checkingDisabled: fc.boolean() },
  ...{ opcode: fc.nat(15), rcode: fc.nat(15) },
});

describe('a DNS header', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        expect(decodeHeader(encodeHeader(header))).toEqual(header);
      }),
    );
  });

  it('of twelve arbitrary bytes encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), (bytes) => {
        expect(toHex(encodeHeader(decodeHeader(bytes)))).toBe(toHex(bytes));
      }),
    );
  });

  it('from dig has the flags that dig sends', () => {
    expect(decodeHeader(wireFixture('dns-dig-query-edns-cookie'))).toMatchObject({
      ...{ isResponse: false, opcode: 0, recursionDesired: true, authenticData: true },
      ...{ questions: 1, answers: 0, authorities: 0, additionals: 1 },
    });
  });

  it.each([
    ['isResponse', '8000'],
    ['isAuthoritative', '0400'],
    ['isTruncated', '0200'],
    ['recursionDesired', '0100'],
    ['recursionAvailable', '0080'],
    ['z', '0040'],
    ['authenticData', '0020'],
    ['checkingDisabled', '0010'],
  ] as const)('has %s in the bit of RFC 1035', (field, flags) => {
    const header = decodeHeader(fromHex(`0000 ${flags} 0000 0000 0000 0000`));
    expect(Object.entries(header).filter(([, value]) => value === true)).toEqual([[field, true]]);
  });

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(wireFixture('dns-dig-query-edns-cookie').slice(0, 12), decodeHeader);
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeHeader, [wireFixture('dns-dnsmasq-answer-soa')]);
  });
});
