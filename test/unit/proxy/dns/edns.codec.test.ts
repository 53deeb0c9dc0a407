import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { decodeEdns, encodeEdns, extendedError, type Edns } from '../../../../src/proxy/dns/edns.codec.js';
import { decodeMessage, decodeQuery } from '../../../../src/proxy/dns/message.codec.js';
import { decodeRecordSpan } from '../../../../src/proxy/dns/record.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  toHex,
  wireFixture,
} from '../../../support/wire-fixture.js';

const anyEdns: fc.Arbitrary<Edns> = fc.record({
  ...{ udpBytes: fc.nat(0xffff), extendedRcode: fc.nat(255), version: fc.nat(255), dnssecOk: fc.boolean() },
  options: fc.array(fc.record({ code: fc.nat(0xffff), data: fc.uint8Array({ maxLength: 40 }) }), {
    maxLength: 5,
  }),
});
const decode = (bytes: Uint8Array) => decodeEdns(bytes, decodeRecordSpan(bytes, 0));

describe('an OPT record', () => {
  it('decodes to what was encoded, unknown options included', () => {
    fc.assert(
      fc.property(anyEdns, (edns) => {
        expect(decode(encodeEdns(edns))).toEqual(edns);
      }),
    );
  });

  it('from dig has its size and its cookie', () => {
    expect(decodeQuery(decodeMessage(wireFixture('dns-dig-query-edns-cookie'))).edns).toEqual({
      ...{ udpBytes: 1232, extendedRcode: 0, version: 0, dnssecOk: false },
      options: [{ code: 10, data: fromHex('150fe464a512d055') }],
    });
  });

  it('carries an extended error with its text (RFC 8914)', () => {
    const { code, data } = extendedError(23, 'why');
    expect([code, toHex(data)]).toEqual([15, '0017776879']);
  });

  it('is rejected with a name other than the root', () => {
    expect(() => decode(fromHex('0161 00 0029 04d0 00000000 0000'))).toThrow(CodecError);
  });

  it('is rejected with an option that exceeds it', () => {
    expect(() => decode(fromHex('00 0029 04d0 00000000 0005 000a 0004 01'))).toThrow(CodecError);
  });

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(fromHex('00 0029 04d0 00008000 0006 000a 0002 0102'), decode);
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decode, [fromHex('00 0029 04d0 00008000 0006 000a 0002 0102')]);
  });
});
