import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { decodeBase64, encodeBase64 } from '../../../../src/kvp/wire/base64.codec.js';
import { sha256 } from '../../../../src/kvp/guest/sha256.js';
import {
  decodeTransfer,
  decodeTransferHeader,
  encodeTransfer,
} from '../../../../src/kvp/guest/transfer.codec.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const LONG = { name: 'mobyvm.config', id: 'a1', body: new Uint8Array(2_000).map((_, index) => index % 251) };

describe('a transfer', () => {
  it('survives encoding and decoding, whatever the order of its items', () => {
    const transfer = fc.record({
      name: fc.constant('mobyvm.share.C'),
      id: fc.stringMatching(/^[a-z0-9]{1,32}$/),
      body: fc.uint8Array({ maxLength: 3_000 }),
    });
    fc.assert(
      fc.property(transfer, fc.boolean(), (each, isReversed) => {
        const items = encodeTransfer(each, sha256);
        const received = decodeTransfer(each.name, isReversed ? [...items].reverse() : items, sha256);
        expect(received).toEqual({ state: 'whole', id: each.id, body: each.body });
      }),
    );
  });

  it('has the format documented for the guest', () => {
    expect(encodeTransfer({ name: 'mobyvm.config', id: 'a1', body: bytesOf('hello\n') }, sha256)).toEqual([
      { name: 'mobyvm.config#0', value: 'a1 aGVsbG8K' },
      {
        name: 'mobyvm.config',
        value: '1 a1 1 6 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
      },
    ]);
  });

  it('of nothing is one empty chunk', () => {
    const items = encodeTransfer({ ...LONG, body: new Uint8Array(0) }, sha256);
    expect(items.map(({ value }) => value.split(' ').slice(0, 4).join(' '))).toEqual(['a1 ', '1 a1 1 0']);
    expect(decodeTransfer(LONG.name, items, sha256)).toMatchObject({ state: 'whole' });
  });

  it('has values of at most 985 characters, and each chunk but the last is full', () => {
    const items = encodeTransfer({ ...LONG, id: 'x'.repeat(32), body: new Uint8Array(65_536) }, sha256);
    expect(items).toHaveLength(93);
    expect(Math.max(...items.map(({ value }) => value.length))).toBe(985);
    expect(new Set(items.slice(0, 91).map(({ value }) => value.length))).toEqual(new Set([985]));
    expect(() => encodeTransfer({ ...LONG, body: new Uint8Array(65_537) }, sha256)).toThrow(CodecError);
  });

  it('that was truncated anywhere is incomplete or absent', () => {
    const items = encodeTransfer(LONG, sha256);
    for (let missing = 0; missing < items.length; missing++) {
      const rest = items.filter((_, index) => index !== missing);
      const expected = missing === items.length - 1 ? { state: 'absent' } : { state: 'incomplete', missing };
      expect(decodeTransfer(LONG.name, rest, sha256)).toMatchObject(expected);
      expect(decodeTransfer(LONG.name, items.slice(0, missing), sha256).state).toBe('absent');
    }
  });

  it('is incomplete while a chunk belongs to another request', () => {
    const items = encodeTransfer(LONG, sha256);
    const other = encodeTransfer({ ...LONG, id: 'b2' }, sha256);
    const mixed = [items[0]!, other[1]!, ...items.slice(2)];
    expect(decodeTransfer(LONG.name, mixed, sha256)).toMatchObject({ state: 'incomplete', missing: 1 });
  });

  it('with a truncated or changed chunk is rejected', () => {
    const items = encodeTransfer(LONG, sha256);
    const value = items[1]!.value;
    for (let length = 4; length < value.length; length += 7) {
      const cut = items.with(1, { name: items[1]!.name, value: value.slice(0, length) });
      expect(() => decodeTransfer(LONG.name, cut, sha256)).toThrow(CodecError);
    }
    const changed = items.with(1, {
      name: items[1]!.name,
      value: value.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    });
    expect(() => decodeTransfer(LONG.name, changed, sha256)).toThrow(CodecError);
  });

  it('uses the first of two items with the same name', () => {
    const items = encodeTransfer(LONG, sha256);
    const again = items.map(({ name }) => ({ name, value: 'later' }));
    expect(decodeTransfer(LONG.name, [...items, ...again], sha256).state).toBe('whole');
  });

  it('of arbitrary items gives a value or a CodecError', () => {
    const items = encodeTransfer(LONG, sha256);
    const value = fc.oneof(fc.string(), fc.constantFrom(...items.map((item) => item.value)));
    const name = fc.constantFrom('mobyvm.config', 'mobyvm.config#0', 'mobyvm.config#1', 'other');
    fc.assert(
      fc.property(fc.array(fc.record({ name, value })), (each) => {
        try {
          decodeTransfer('mobyvm.config', each, sha256);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });
});

describe('a transfer’s header', () => {
  const HASH = '0'.repeat(64);

  it.each([
    ['another version', `2 a1 1 0 ${HASH}`],
    ['no id', `1  1 0 ${HASH}`],
    ['a long id', `1 ${'a'.repeat(33)} 1 0 ${HASH}`],
    ['an upper-case id', `1 A 1 0 ${HASH}`],
    ['no chunk', `1 a1 0 0 ${HASH}`],
    ['too many chunks', `1 a1 93 65536 ${HASH}`],
    ['chunks that contradict the length', `1 a1 2 700 ${HASH}`],
    ['a length above the limit', `1 a1 92 65537 ${HASH}`],
    ['a short hash', `1 a1 1 0 ${HASH.slice(1)}`],
    ['a line end', `1 a1 1 0 ${HASH}\n`],
    ['filler', '-'.repeat(2_047)],
  ])('with %s is rejected', (_what, value) => {
    expect(() => decodeTransferHeader(value)).toThrow(CodecError);
  });

  it('is rejected when truncated anywhere', () => {
    const value = `1 a1 92 65536 ${HASH}`;
    expect(decodeTransferHeader(value)).toEqual({ id: 'a1', count: 92, bytes: 65_536, sha256: HASH });
    for (let length = 0; length < value.length; length++) {
      expect(() => decodeTransferHeader(value.slice(0, length))).toThrow(CodecError);
    }
  });
});

describe('base64', () => {
  it('matches other encoders', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(encodeBase64(bytes)).toBe(text);
        expect(decodeBase64(text, 'x')).toEqual(bytes);
      }),
    );
  });

  it.each(['a', 'ab', 'abc', 'a===', '====', 'ab c', 'abc\n', 'ab-_', 'AB==CD==', 'AB==', 'ABC=', '=ABC'])(
    '%j is rejected',
    (text) => {
      if (Buffer.from(text, 'base64').toString('base64') === text) return;
      expect(() => decodeBase64(text, 'x')).toThrow(CodecError);
    },
  );
});
