import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { decodeDiskUse, encodeDiskUse } from '../../../../src/kvp/guest/disk-use.codec.js';
import { decodeGuestPresence, encodeGuestPresence } from '../../../../src/kvp/guest/guest-presence.codec.js';
import {
  decodeGuestResult,
  encodeGuestResult,
  type GuestResult,
} from '../../../../src/kvp/guest/guest-result.codec.js';

const id = fc.stringMatching(/^[a-z0-9]{1,32}$/);
const text = fc.string({ maxLength: 800 });
const anyResult: fc.Arbitrary<GuestResult> = fc.oneof(
  fc.record({ id, ok: fc.constant(true as const), text }),
  fc.record({
    ...{ id, ok: fc.constant(false as const), text },
    ...{ code: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/), errno: fc.nat(99_999) },
  }),
);

function valueOrCodecError(decode: (value: string) => unknown, seeds: readonly string[]): void {
  const damaged = fc
    .tuple(fc.constantFrom(...seeds), fc.nat(100), fc.string({ maxLength: 3 }))
    .map(([seed, at, piece]) => {
      return seed.slice(0, at) + piece + seed.slice(at + 1);
    });
  fc.assert(
    fc.property(fc.oneof(fc.string(), damaged), (value) => {
      try {
        decode(value);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }),
    { numRuns: 1_000 },
  );
}

describe('a guest’s result', () => {
  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(anyResult, (each) => {
        expect(decodeGuestResult(encodeGuestResult(each))).toEqual(each);
      }),
    );
  });

  it.each([
    ['1 a1 ok', { id: 'a1', ok: true, text: '' }],
    ['1 a1 ok in 3 s', { id: 'a1', ok: true, text: 'in 3 s' }],
    [
      '1 a1 error mount 13 mount error(13)',
      { id: 'a1', ok: false, code: 'mount', errno: 13, text: 'mount error(13)' },
    ],
    ['1 a1 error apply 0 ', { id: 'a1', ok: false, code: 'apply', errno: 0, text: '' }],
  ])('%j is read', (value, result) => {
    expect(decodeGuestResult(value)).toEqual(result);
  });

  it('is encoded as printable ASCII and truncated', () => {
    const value = encodeGuestResult({ id: 'a', ok: true, text: `ü\n${'x'.repeat(2_000)}` });
    expect(value).toBe(`1 a ok ??${'x'.repeat(798)}`);
  });

  it.each([
    ...[
      '',
      '2 a ok',
      '1 a ok ',
      '1 A ok',
      '1  ok',
      '1 a OK',
      '1 a error',
      '1 a error apply',
      '1 a error apply 0',
      '1 a ok\n',
    ],
    ...[
      '1 a error apply x t',
      '1 a error apply 100000 t',
      '1 a error Apply 0 t',
      '1 a ok \u00fc',
      '1 a error apply 01 t',
    ],
    `1 a ok ${'x'.repeat(801)}`,
    'x'.repeat(100_000),
  ])('%j is rejected', (value) => {
    expect(() => decodeGuestResult(value)).toThrow(CodecError);
  });

  it('is rejected when truncated before its text', () => {
    const head = '1 a1 error mount 13 ';
    for (let length = 0; length < head.length; length++) {
      expect(() => decodeGuestResult(head.slice(0, length))).toThrow(CodecError);
    }
  });

  it('of arbitrary text gives a value or a CodecError', () => {
    valueOrCodecError(decodeGuestResult, ['1 a1 ok', '1 a1 error mount 13 text']);
  });

  it('is not encoded with malformed parts', () => {
    expect(() => encodeGuestResult({ id: 'A', ok: true, text: '' })).toThrow(CodecError);
    expect(() => encodeGuestResult({ id: 'a', ok: false, code: 'a b', errno: 0, text: '' })).toThrow(
      CodecError,
    );
    expect(() => encodeGuestResult({ id: 'a', ok: false, code: 'a', errno: -1, text: '' })).toThrow(
      CodecError,
    );
  });
});

describe('a guest’s presence', () => {
  const VALUE = '1 0f8fad5b-d9cb-469f-a165-70867728950e 0.1.0';

  it('survives encoding and decoding', () => {
    const presence = fc.record({ bootId: fc.uuid(), agent: fc.stringMatching(/^[A-Za-z0-9._-]{1,32}$/) });
    fc.assert(
      fc.property(presence, (each) => {
        expect(decodeGuestPresence(encodeGuestPresence(each))).toEqual(each);
      }),
    );
    expect(decodeGuestPresence(VALUE)).toEqual({
      bootId: '0f8fad5b-d9cb-469f-a165-70867728950e',
      agent: '0.1.0',
    });
  });

  it('is rejected when malformed or truncated before its agent', () => {
    for (let length = 0; length < VALUE.indexOf('0.1.0') + 1; length++) {
      expect(() => decodeGuestPresence(VALUE.slice(0, length))).toThrow(CodecError);
    }
    for (const value of [`${VALUE} x`, `${VALUE}\n`, VALUE.toUpperCase(), VALUE.replace('1', '2')]) {
      expect(() => decodeGuestPresence(value)).toThrow(CodecError);
    }
    expect(() => encodeGuestPresence({ bootId: 'x', agent: '1' })).toThrow(CodecError);
  });

  it('of arbitrary text gives a value or a CodecError', () => {
    valueOrCodecError(decodeGuestPresence, [VALUE]);
  });
});

describe('how full the data disk is', () => {
  it('survives encoding and decoding', () => {
    const size = fc.nat(10 ** 15 - 1);
    fc.assert(
      fc.property(size, size, size, size, (a, b, c, d) => {
        const use = { totalKiB: a + b, freeKiB: a, files: c + d, freeFiles: c };
        fc.pre(a + b < 10 ** 15 && c + d < 10 ** 15);
        expect(decodeDiskUse(encodeDiskUse(use))).toEqual(use);
      }),
    );
  });

  it.each([
    ['another version', '2 4 3 2 1'],
    ['a missing number', '1 4 3 2'],
    ['a negative number', '1 4 -3 2 1'],
    ['a fraction', '1 4 3.5 2 1'],
    ['a number that is not exact', '1 1000000000000000 3 2 1'],
    ['more free space than there is', '1 4 5 2 1'],
    ['more free files than there are', '1 4 3 2 3'],
  ])('is refused with %s', (_what, value) => {
    expect(() => decodeDiskUse(value)).toThrow(CodecError);
  });

  it('of arbitrary text gives a value or a CodecError', () => {
    valueOrCodecError(decodeDiskUse, ['1 99614720 49807360 6553600 6500000']);
  });
});
