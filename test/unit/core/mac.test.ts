import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { localMac, macFromBytes, macToBytes, parseMac } from '../../../src/core/values/index.js';

describe('Mac', () => {
  test.each(['02:00:0a:00:4b:02', '02-00-0A-00-4B-02', '02000A004B02'])('"%s" is normalised', (text) => {
    expect(parseMac(text)).toBe('02:00:0a:00:4b:02');
  });

  test.each(['', '02:00:0a:00:4b', '02:00:0a:00:4b:02:03', '02:00:0g:00:4b:02', '02 00 0a 00 4b 02'])(
    '"%s" is rejected',
    (text) => {
      expect(() => parseMac(text)).toThrow(expect.objectContaining({ code: 'MOBYVM_SETTINGS' }));
    },
  );

  test('converts to bytes and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(macToBytes(macFromBytes(bytes))).toEqual(bytes);
        expect(parseMac(macFromBytes(bytes))).toBe(macFromBytes(bytes));
      }),
    );
  });

  test('from random bytes is unicast and local, and does not modify the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 32 }), (random) => {
        const before = random.slice();
        const [first = 0, ...rest] = macToBytes(localMac(random));
        expect(first & 0x03).toBe(0x02);
        expect(rest).toEqual([...random.slice(1, 6)]);
        expect(random).toEqual(before);
      }),
    );
  });
});
