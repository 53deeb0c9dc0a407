import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParameterValue } from '../../../src/powershell/index.js';
import { encodeLiteral, textLiteral, type LiteralValue } from '../../../src/powershell/literal.codec.js';

const encoded = (value: ParameterValue): string => encodeLiteral(value as LiteralValue, encoded);
/** Any UTF-16 at all, lone surrogates included. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(...["'", '"', '`', '$', '\n', '\r', '\0', '‘', '’', '“', '”', '‛', ';', '|'].map(unit)),
      fc.integer({ min: 0x20, max: 0x7e }),
    ),
  )
  .map((units) => String.fromCharCode(...units));

function unit(text: string): number {
  return text.charCodeAt(0);
}

/** Reads what textLiteral writes, and nothing else, by PowerShell's rules. */
function readText(literal: string): string {
  const parts = /^\(-join\((.*)\)\)$/s.exec(literal)?.[1] ?? literal;
  const tokens = parts.match(/'(?:[^']|'')*'|\[char\]\d+|,/g) ?? [];
  expect(tokens.join('')).toBe(parts);
  return tokens
    .filter((token) => token !== ',')
    .map((token) =>
      token.startsWith("'")
        ? token.slice(1, -1).replaceAll("''", "'")
        : String.fromCharCode(Number(token.slice('[char]'.length))),
    )
    .join('');
}

describe('literals', () => {
  it.each([
    ['', "''"],
    ['mobyvm', "'mobyvm'"],
    ["it's $home `n", "'it''s $home `n'"],
    ['a\nb', "(-join('a',[char]10,'b'))"],
    ['‘', '(-join([char]8216))'],
    ['😀', '(-join([char]55357,[char]56832))'],
    [0, '0'],
    [-1, '(-1)'],
    [1.5, '1.5'],
    [10 * 1024 ** 3, '10737418240'],
    [true, '$true'],
    [false, '$false'],
    [{ guid: '2a34b1c2-fd73-4043-8a5b-dd2159bc743f' }, "'2a34b1c2-fd73-4043-8a5b-dd2159bc743f'"],
    [new Date(0), "([datetime]'1970-01-01T00:00:00.000Z')"],
    [['a', 2], "@('a',2)"],
    [[], '@()'],
    [{ table: { 'a b': 'c', d: ["e'"] } }, "@{'a b'='c';'d'=@('e''')}"],
  ] satisfies [ParameterValue, string][])('of %j', (value, literal) => {
    expect(encoded(value)).toBe(literal);
  });

  it.each([NaN, Infinity, 2 ** 53, -(2 ** 60)])('reject %d, which they cannot represent exactly', (value) => {
    expect(() => encoded(value)).toThrow('cannot be written exactly');
  });

  it('reject an invalid date', () => {
    expect(() => encoded(new Date(NaN))).toThrow('The date is invalid');
  });

  it('of any text are one line of printable ASCII and mean that text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const literal = textLiteral(text);
        expect(literal).toMatch(/^[ -~]*$/);
        expect(readText(literal)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});
