import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { decodePoolFile, encodePoolFile } from '../../../../src/kvp/wire/pool-file.codec.js';
import { decodeTextField, encodeTextField } from '../../../../src/kvp/wire/text-field.codec.js';
import { expectValueOrCodecError, toHex } from '../../../support/wire-fixture.js';

const RECORDS = [
  { name: 'greeting', value: 'héllo\nworld' },
  { name: 'empty', value: '' },
];

const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .string({ maxLength, unit: 'grapheme' })
    .filter((text) => !text.includes('\0') && Buffer.byteLength(text) < 512);

describe('a pool file', () => {
  it('survives encoding and decoding', () => {
    const records = fc.array(fc.record({ name: anyText(60), value: anyText(200) }), { maxLength: 5 });
    fc.assert(
      fc.property(records, (each) => {
        expect(decodePoolFile(encodePoolFile(each))).toEqual(each);
      }),
    );
  });

  it('has the layout of hv_kvp_daemon’s struct kvp_record', () => {
    const bytes = encodePoolFile(RECORDS);
    expect(bytes).toHaveLength(5_120);
    expect(toHex(bytes.slice(0, 9))).toBe('6772656574696e6700');
    expect(toHex(bytes.slice(512, 525))).toBe('68c3a96c6c6f0a776f726c6400');
    expect(toHex(bytes.slice(2_560, 2_566))).toBe('656d70747900');
    expect(bytes.filter((byte) => byte !== 0)).toHaveLength(8 + 12 + 5);
  });

  it('contains nothing of an older value after a shorter one', () => {
    const bytes = encodePoolFile([{ name: 'a', value: 'a long secret value' }]);
    bytes.set(Buffer.from('new\0'), 512);
    expect(decodePoolFile(bytes)).toEqual([{ name: 'a', value: 'new' }]);
  });

  it('can be empty', () => {
    expect(decodePoolFile(new Uint8Array(0))).toEqual([]);
  });

  it('is rejected when truncated within a record', () => {
    const bytes = encodePoolFile(RECORDS.slice(0, 1));
    for (let length = 1; length < bytes.length; length++) {
      expect(() => decodePoolFile(bytes.slice(0, length))).toThrow(CodecError);
    }
  });

  it('is rejected with too many records', () => {
    expect(() => decodePoolFile(new Uint8Array(10_001 * 2_560))).toThrow('more than 10000 records');
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodePoolFile, [encodePoolFile(RECORDS)]);
  });
});

describe('a text field', () => {
  it('holds one byte less than its size, and keeps a byte order mark', () => {
    expect(decodeTextField(encodeTextField('x'.repeat(511), 512, 'key'), 'key')).toHaveLength(511);
    expect(() => encodeTextField('€'.repeat(171), 512, 'key')).toThrow('has 513 bytes; 511 fit');
    expect(decodeTextField(encodeTextField('\ufeffx', 512, 'key'), 'key')).toBe('\ufeffx');
  });

  it('is rejected if unterminated or not UTF-8', () => {
    expect(() => decodeTextField(new Uint8Array(4).fill(0x61), 'key')).toThrow(CodecError);
    expect(() => decodeTextField(Uint8Array.of(0xc3, 0), 'key')).toThrow(CodecError);
  });
});
