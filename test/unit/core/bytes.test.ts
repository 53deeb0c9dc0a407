import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter, CodecError } from '../../../src/core/values/index.js';

describe('ByteReader', () => {
  test('reads big-endian and reports its offset', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3, 0xff, 0xff, 0xff, 0xfe, 9, 8));
    expect([reader.u8('a'), reader.u16('b'), reader.u32('c')]).toEqual([1, 0x0203, 0xfffffffe]);
    expect([reader.offset, reader.remaining]).toEqual([7, 2]);
    expect([...reader.take(2, 'd')]).toEqual([9, 8]);
    expect([...reader.take(0, 'e')]).toEqual([]);
  });

  test.each([
    ['u8', 1],
    ['u16', 2],
    ['u32', 4],
  ] as const)('%s past the end fails with field and offset and does not advance', (read, length) => {
    const reader = new ByteReader(new Uint8Array(2 + length - 1));
    reader.u16('head');
    expect(() => reader[read]('tail')).toThrow(
      expect.objectContaining({ name: 'CodecError', code: 'MOBYVM_CODEC', field: 'tail', offset: 2 }),
    );
    expect(reader.offset).toBe(2);
  });

  test('reads a window of a larger buffer and returns copies', () => {
    const memory = Buffer.from([9, 9, 1, 2, 3, 9]);
    const taken = new ByteReader(memory.subarray(2, 5)).take(3, 'all');
    memory.fill(0);
    expect([...taken]).toEqual([1, 2, 3]);
    expect(() => new ByteReader(memory.subarray(2, 5)).take(4, 'all')).toThrow(CodecError);
  });
});

describe('ByteWriter', () => {
  test('is the reader’s counterpart', () => {
    fc.assert(
      fc.property(
        fc.nat(255),
        fc.nat(65535),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.uint8Array({ maxLength: 2000 }),
        (a, b, c, bytes) => {
          const written = new ByteWriter().u8(a).u16(b).u32(c).put(bytes).done();
          const reader = new ByteReader(written);
          expect([reader.u8('a'), reader.u16('b'), reader.u32('c')]).toEqual([a, b, c]);
          expect(reader.take(reader.remaining, 'rest')).toEqual(bytes);
        },
      ),
    );
  });

  test('grows with every kind of write', () => {
    for (const write of [
      (writer: ByteWriter) => writer.u8(7),
      (writer: ByteWriter) => writer.u16(7),
      (writer: ByteWriter) => writer.u32(7),
      (writer: ByteWriter) => writer.put(Uint8Array.of(7)),
    ]) {
      const writer = write(new ByteWriter().zeros(512));
      const done = writer.done();
      expect(done.length).toBe(writer.length);
      expect(done.at(-1)).toBe(7);
      expect(done.subarray(0, 512).every((byte) => byte === 0)).toBe(true);
    }
  });

  test('returns a copy', () => {
    const writer = new ByteWriter().u8(1);
    const first = writer.done();
    writer.u8(2);
    first[0] = 9;
    expect([...writer.done()]).toEqual([1, 2]);
  });
});
