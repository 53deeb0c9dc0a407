import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeUserText } from '../../../src/core/values/text-encoding.codec.js';

const TEXT = '{"a": "süß €",\r\n "b": "😀"}\r\n';
const BOM = '\uFEFF';

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

describe('a text that a user wrote', () => {
  test.each([
    ['UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with a byte order mark, as Windows editors write', Buffer.from(BOM + TEXT)],
    ['UTF-8 with two of them', Buffer.from(BOM + BOM + TEXT)],
    ['UTF-16, as Windows PowerShell writes (moby/moby#44790)', Buffer.from(BOM + TEXT, 'utf16le')],
    ['UTF-16 with two byte order marks', Buffer.from(BOM + BOM + TEXT, 'utf16le')],
    ['UTF-16 in network order', utf16be(BOM + TEXT)],
    ['UTF-16 without a byte order mark', Buffer.from(TEXT, 'utf16le')],
    ['UTF-16 in network order without one', utf16be(TEXT)],
  ])('is read as %s', (_encoding, bytes) => {
    expect(decodeUserText(bytes)).toEqual({ text: TEXT });
  });

  test.each([
    ['Latin-1', Buffer.from('{\n  "a": "süß"}', 'latin1'), '0xFC in line 2, column 10', 'windows-1252'],
    ['code page 850', Buffer.from([0x22, 0x81, 0x84, 0xe1, 0x22]), '0x81 in line 1, column 2', 'cp850'],
    ['UTF-8 that is cut', Buffer.from('ab€').subarray(0, 4), '0xE2 in line 1, column 3', 'cp850'],
    ['a lead byte before ASCII', Buffer.from([0x61, 0xe4, 0x62]), '0xE4 in line 1, column 2', 'windows-1252'],
  ])('is not guessed when it is %s, and the first wrong byte is named', (_what, bytes, where, encoding) => {
    expect(decodeUserText(bytes)).toMatchObject({
      problem: expect.stringContaining(where) as string,
      encoding,
    });
  });

  test('is named when it is UTF-32 or cut UTF-16', () => {
    const utf32 = Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]);
    expect(decodeUserText(utf32)).toEqual({ problem: 'is UTF-32', encoding: 'utf-32' });
    const cut = Buffer.from(BOM + TEXT, 'utf16le').subarray(0, -1);
    expect(decodeUserText(cut)).toEqual({ problem: 'is incomplete utf-16le', encoding: 'utf-16le' });
  });

  test('of any characters is read from UTF-8 and from marked UTF-16', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (some) => {
        const text = `x${some}`;
        expect(decodeUserText(Buffer.from(text))).toEqual({ text });
        expect(decodeUserText(Buffer.from(BOM + text, 'utf16le'))).toEqual({ text });
        expect(decodeUserText(utf16be(BOM + text))).toEqual({ text });
      }),
    );
  });

  test('never throws, whatever the bytes are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeUserText(bytes)));
  });
});
