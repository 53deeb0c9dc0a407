import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { domainSearchValue, isSearchable } from '../../../../src/proxy/dhcp/domain-search.codec.js';
import { fromHex } from '../../../support/wire-fixture.js';

/** Reads a search list as clients do, pointers included. */
function decode(bytes: Uint8Array): string[] {
  const labelsAt = (at: number): { labels: string[]; end: number } => {
    const length = bytes[at] ?? 0;
    if (length === 0) return { labels: [], end: at + 1 };
    if (length >= 0xc0) {
      const offset = (length & 0x3f) * 256 + (bytes[at + 1] ?? 0);
      expect(offset).toBeLessThan(at);
      return { labels: labelsAt(offset).labels, end: at + 2 };
    }
    const label = new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + length));
    const rest = labelsAt(at + 1 + length);
    return { labels: [label, ...rest.labels], end: rest.end };
  };
  const names: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const { labels, end } = labelsAt(at);
    names.push(labels.join('.'));
    at = end;
  }
  return names;
}

describe('a search list (option 119)', () => {
  it('is encoded as in the example of RFC 3397', () => {
    expect(domainSearchValue(['eng.apple.com', 'marketing.apple.com.'])).toEqual(
      fromHex('03656e67 056170706c65 03636f6d 00  096d61726b6574696e67 c004'),
    );
  });

  it('has the names that were encoded', () => {
    const label = fc.constantFrom('a', 'bb', 'corp', 'x'.repeat(63), 'ü');
    const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 200 }), (names) => {
        expect(decode(domainSearchValue(names))).toEqual(names);
      }),
    );
  });

  it('refers to earlier names only as far as a pointer reaches', () => {
    const names = Array.from({ length: 200 }, (_, index) => `${'y'.repeat(60)}.${index}.${'z'.repeat(60)}`);
    const twice = [...names, ...names];
    expect(decode(domainSearchValue(twice))).toEqual(twice);
  });

  it.each([['x'.repeat(64)], [`${'abcdefg.'.repeat(32)}de`]])('cannot hold %s', (name) => {
    expect(() => domainSearchValue([name])).toThrow(CodecError);
    expect(isSearchable(name)).toBe(false);
  });

  it('cannot hold the root', () => {
    expect(['', '.', 'corp.example'].map(isSearchable)).toEqual([false, false, true]);
  });
});
