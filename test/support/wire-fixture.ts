import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { CodecError } from '../../src/core/values/index.js';

/** The bytes of `test/fixtures/wire/<name>.hex`: a first line `# tool, date, frame`, then hexadecimal digits. */
export function wireFixture(name: string): Uint8Array {
  const text = readFileSync(join(import.meta.dirname, `../fixtures/wire/${name}.hex`), 'utf8');
  return fromHex(text.replaceAll(/^#.*$/gm, ''));
}

/** Whatever is not a hexadecimal digit is layout. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param bytes a valid message without optional padding at its end */
export function expectEveryProperPrefixRefused(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => unknown,
): void {
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decode(bytes.slice(0, length)), `the first ${length} bytes`).toThrow(CodecError);
  }
}

/** @param seeds valid messages, which are damaged in places, because random bytes alone seldom come far */
export function expectValueOrCodecError(
  decode: (bytes: Uint8Array) => unknown,
  seeds: readonly Uint8Array[],
): void {
  const damaged = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      fc.nat(),
    )
    .map(([seed, changes, cut]) => {
      const bytes = Uint8Array.from(seed);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return cut % 4 === 0 ? bytes.slice(0, cut % bytes.length) : bytes;
    });
  const arbitrary = fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged);
  fc.assert(
    fc.property(arbitrary, (bytes) => {
      const before = toHex(bytes);
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
      expect(toHex(bytes)).toBe(before);
    }),
    { numRuns: 1_000 },
  );
}
