import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeOptions,
  encodedOptionLength,
  encodeOptions,
} from '../../../../src/proxy/dhcp/options.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  toHex,
} from '../../../support/wire-fixture.js';

const anyOptions = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 700 })), { maxLength: 20 })
  .map((entries) => new Map(entries));

describe('DHCP options', () => {
  it('decode to what was encoded, in order, for all codes and lengths', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        expect([...decodeOptions(encodeOptions(options))]).toEqual([...options]);
      }),
    );
  });

  it('are decoded from the format of RFC 2132 §2, skipping padding', () => {
    const options = decodeOptions(fromHex('00 350103 00 3204 0a004b02 e002 beef ff 00 00'));
    expect([...options]).toEqual([
      [53, Uint8Array.of(3)],
      [50, Uint8Array.of(10, 0, 75, 2)],
      [224, Uint8Array.of(0xbe, 0xef)],
    ]);
  });

  it('are joined if a code is repeated (RFC 3396 §7)', () => {
    expect(decodeOptions(fromHex('7702 0161 350101 7702 6200 ff')).get(119)).toEqual(fromHex('01616200'));
  });

  it('continue options of an earlier field', () => {
    const first = decodeOptions(fromHex('7701 01 ff'));
    expect([...decodeOptions(fromHex('7701 02 ff'), first)]).toEqual([[119, Uint8Array.of(1, 2)]]);
    expect([...first]).toEqual([[119, Uint8Array.of(1)]]);
  });

  it('of more than 255 bytes are split (RFC 3396 §5)', () => {
    const bytes = encodeOptions(new Map([[119, new Uint8Array(256).fill(7)]]));
    expect(bytes).toHaveLength(2 + 255 + 2 + 1 + 1);
    expect(toHex(bytes.slice(257))).toBe('770107ff');
  });

  it('have the predicted encoded length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 800 }), (value) => {
        expect(encodeOptions(new Map([[1, value]]))).toHaveLength(encodedOptionLength(value) + 1);
      }),
    );
  });

  it('are rejected when truncated anywhere', () => {
    const bytes = encodeOptions(new Map([[53, Uint8Array.of(1)], [55, Uint8Array.of(1, 3, 6)]])); // prettier-ignore
    expectEveryProperPrefixRefused(bytes, decodeOptions);
  });

  it('of arbitrary bytes give a value or a CodecError', () => {
    expectValueOrCodecError(decodeOptions, [fromHex('350101 3d070102000a004b02 ff')]);
  });

  it.each([0, 255, -1, 1.5])('cannot have the code %s', (code) => {
    expect(() => encodeOptions(new Map([[code, new Uint8Array()]]))).toThrow(CodecError);
  });
});
