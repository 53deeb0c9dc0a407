import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeHealthLine,
  decodeProbeLine,
  encodeHealthLine,
  encodeProbeLine,
  MAX_PROBE_NUMBER,
  type GuestHealthLine,
} from '../../../../src/share/link/health-line.codec.js';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const number = fc.integer({ min: 1, max: MAX_PROBE_NUMBER });
const health = fc.oneof(
  fc.constant({ kind: 'mounted' as const }),
  fc.constant({ kind: 'absent' as const }),
  fc.record({ kind: fc.constant('broken' as const), errno: fc.integer({ min: 1, max: 9_999 }) }),
);
const anyLine: fc.Arbitrary<GuestHealthLine> = fc.oneof(
  fc.record({ kind: fc.constant('probed' as const), number, id, health }),
  fc.record({ kind: fc.constant('health' as const), id, health }),
);

describe('a line about the health of a share', () => {
  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        expect(decodeHealthLine(encodeHealthLine(line))).toEqual(line);
      }),
    );
  });

  it.each([
    ['health C mounted', { kind: 'health', id: 'C', health: { kind: 'mounted' } }],
    ['health C absent', { kind: 'health', id: 'C', health: { kind: 'absent' } }],
    [
      'probed 7 home-me broken 112',
      { kind: 'probed', number: 7, id: 'home-me', health: { kind: 'broken', errno: 112 } },
    ],
  ])('%j is read', (line, value) => {
    expect(decodeHealthLine(line)).toEqual(value);
  });

  it.each([
    '',
    'health',
    'health C',
    'health  mounted',
    'health C mounted ',
    'health C broken',
    'health C broken 0',
    'health C broken 12345',
    'health C/D mounted',
    'probed 0 C mounted',
    'probed 1234567890 C mounted',
    'HEALTH C mounted',
  ])('%j is refused', (line) => {
    expect(() => decodeHealthLine(line)).toThrow(CodecError);
  });

  it('is never read from a part of a line', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const text = encodeHealthLine(line);
        const [verb = ''] = text.split(' ');
        for (let length = 0; length <= verb.length + 1; length += 1)
          expect(() => decodeHealthLine(text.slice(0, length))).toThrow(CodecError);
      }),
    );
  });

  it('is a value or a CodecError, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `health C ${text}`),
        ),
        (line) => {
          try {
            expect(encodeHealthLine(decodeHealthLine(line))).toBe(line);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('a probe', () => {
  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(fc.record({ number, id }), (probe) => {
        expect(decodeProbeLine(encodeProbeLine(probe))).toEqual(probe);
      }),
    );
  });

  it.each([
    { number: 0, id: 'C' },
    { number: 1.5, id: 'C' },
    { number: 1, id: '' },
    { number: 1, id: 'C D' },
  ])('%j cannot be sent', (probe) => {
    expect(() => encodeProbeLine(probe)).toThrow(CodecError);
  });
});
