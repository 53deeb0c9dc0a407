import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeEventLine,
  encodeEventLine,
  MAX_GUEST_PATH_BYTES,
  type EventLine,
} from '../../../../src/share/events/event-line.codec.js';

const path = fc
  .string({ unit: 'binary', maxLength: 200 })
  .filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text))
  .map((text) => `/${text}`);
const operations = fc
  .shuffledSubarray(['c', 'd', 'm', 'a', 'w'], { minLength: 1 })
  .map((all) => all.join(''));
const line: fc.Arbitrary<EventLine> = fc.record({
  share: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  event: fc.oneof(
    fc.record({ path, isFolder: fc.boolean(), operations }),
    fc.record({ path, isFolder: fc.boolean(), to: path }),
  ),
});

describe('a line of file events', () => {
  test('is what the guest reads', () => {
    const event = { path: '/C/a b/ü%\n', isFolder: false, operations: 'cmw' };
    expect(encodeEventLine({ share: 'C', event })).toBe('C cmw /C/a%20b/%C3%BC%25%0A');
    const move = { path: '/C/a', isFolder: true, to: '/C/b' };
    expect(encodeEventLine({ share: 'home_me', event: move })).toBe('home_me rD /C/a /C/b');
  });

  test('comes back as it was, whatever the paths', () => {
    fc.assert(
      fc.property(line, (value) => {
        const text = encodeEventLine(value);
        expect(text).toMatch(/^[!-~]+( [!-~]+){2,3}$/);
        expect(decodeEventLine(text)).toEqual(value);
      }),
    );
  });

  test('that is cut off is refused, or is a shorter path', () => {
    fc.assert(
      fc.property(line, (value) => {
        const text = encodeEventLine(value);
        for (let length = 0; length < text.length; length += 1) {
          const read = readOrUndefined(text.slice(0, length));
          if (read !== undefined) expect(text.startsWith(encodeEventLine(read))).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('of any characters gives a value that encodes to the same line, or a CodecError', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('C', ' ', 'c', 'm', 'r', 'D', '/', '%', '0', '41', 'é'), { maxLength: 20 })
        .map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        const read = readOrUndefined(given);
        // Escapes that nothing needs are read as well.
        if (read !== undefined) expect(decodeEventLine(encodeEventLine(read))).toEqual(read);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['a relative path', 'a'],
    ['a NUL', '/a\0b'],
    ['an unpaired surrogate', '/\ud800'],
    ['more than a path may have', `/${'ü'.repeat(MAX_GUEST_PATH_BYTES / 2 + 1)}`],
  ])('is not made of %s', (_what, wrong) => {
    const event = { path: wrong, isFolder: false, operations: 'm' };
    expect(() => encodeEventLine({ share: 'C', event })).toThrow(CodecError);
  });
});

function readOrUndefined(text: string): EventLine | undefined {
  try {
    return decodeEventLine(text);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
