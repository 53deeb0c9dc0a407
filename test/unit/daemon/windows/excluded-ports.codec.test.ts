import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { decodeExcludedPorts } from '../../../../src/daemon/windows/excluded-ports.codec.js';

const GOLDEN = [
  'Ausgeschlossene Portbereiche für das Protokoll "tcp"',
  '',
  'Startport    Endport',
  '----------    --------',
  '      5357        5357',
  '     50000       50059     *',
  '',
  '* - Verwaltete Portausschlüsse.',
  '',
].join('\r\n');

describe('the port ranges that Windows excludes', () => {
  test('are decoded in any display language', () => {
    expect(decodeExcludedPorts(GOLDEN)).toEqual([
      { first: 5357, last: 5357 },
      { first: 50_000, last: 50_059 },
    ]);
  });

  test('decode to what was printed', () => {
    const port = fc.integer({ min: 0, max: 65_535 });
    const ranges = fc.array(
      fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
    );
    fc.assert(
      fc.property(ranges, (all) => {
        expect(decodeExcludedPorts(all.map(({ first, last }) => ` ${first}  ${last}\r\n`).join(''))).toEqual(
          all,
        );
      }),
    );
  });

  test('truncated anywhere are a subset', () => {
    for (let end = 0; end < GOLDEN.length; end += 1)
      for (const { first } of decodeExcludedPorts(GOLDEN.slice(0, end).replace(/\d+$/, '')))
        expect([5357, 50_000]).toContain(first);
  });

  test('of arbitrary text give ranges or a CodecError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeExcludedPorts(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
    expect(() => decodeExcludedPorts('70000 70001')).toThrow(CodecError);
  });
});
