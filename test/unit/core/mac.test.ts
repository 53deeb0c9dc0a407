import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localMac, macFromBytes, macToBytes, parseMac } from '../../../src/core/values/index.js';

describe('Mac', () => {
  it.each(['02:00:0a:00:4b:02', '02-00-0A-00-4B-02', '02000A004B02'])(
    '"%s" is read as the usual form',
    (text) => {
      expect(parseMac(text)).toBe('02:00:0a:00:4b:02');
    },
  );

  it.each(['', '02:00:0a:00:4b', '02:00:0a:00:4b:02:03', '02:00:0g:00:4b:02', '02 00 0a 00 4b 02'])(
    '"%s" is none',
    (text) => {
      expect(() => parseMac(text)).toThrow(expect.objectContaining({ code: 'MOBYVM_SETTINGS' }));
    },
  );

  it('goes to bytes and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(macToBytes(macFromBytes(bytes))).toEqual(bytes);
        expect(parseMac(macFromBytes(bytes))).toBe(macFromBytes(bytes));
      }),
    );
  });

  it('made from random bytes is unicast, local, and leaves the bytes alone', () => {
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
