import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { decodeMessage, decodeSections } from '../../../../src/proxy/dns/message.codec.js';
import { parseType, rcodeText, recordText, typeText } from '../../../../src/proxy/dns/record-text.plan.js';
import { addressOfReverseName, reverseName } from '../../../../src/proxy/dns/reverse-name.plan.js';
import { answerBytes, queryFor } from '../../../support/dns-message.js';
import { fromHex } from '../../../support/wire-fixture.js';

function textOf(type: number, hex: string): string {
  const data = { kind: 'other', type, bytes: fromHex(hex) } as const;
  const answer = decodeMessage(answerBytes(queryFor('web.example', { type }), [data]));
  return recordText(answer, decodeSections(answer).answers[0]!).data;
}

describe('a record is written as in a zone file', () => {
  it.each([
    [5, '03 777777 c00c', 'www.web.example.'],
    [15, '000a c00c', '10 web.example.'],
    [33, '0001 0002 0185 c00c', '1 2 389 web.example.'],
    [16, '03 612262 00 02 1b0a', '"a\\"b" "" "\\027\\010"'],
    [2, '03 612e20 00', 'a\\.\\ .'],
    [6, 'c00c c00c 00000001 00000002 00000003 00000004 00000005', 'web.example. web.example. 1 2 3 4 5'],
    [1, 'c0000207', '192.0.2.7'],
    [1, 'c00002', '\\# 3 c00002'],
    [65, '0001 00', '\\# 3 000100'],
    [4711, '', '\\# 0'],
  ])('type %i, %s: %s', (type, hex, text) => expect(textOf(type, hex)).toBe(text));

  it('and nothing in it controls a terminal', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(1, 2, 6, 15, 16, 28, 33, 99),
        (bytes, type) => {
          const answer = decodeMessage(
            answerBytes(queryFor('a', { type }), [{ kind: 'other', type, bytes }]),
          );
          try {
            const { name, data } = recordText(answer, decodeSections(answer).answers[0]!);
            expect(`${name}${data}`).toMatch(/^[\x20-\x7e]*$/);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        },
      ),
    );
  });
});

it('types have names, or else numbers', () => {
  expect([parseType('mx'), parseType('TYPE65'), parseType('https'), parseType('type0')]).toEqual([
    15,
    65,
    65,
    undefined,
  ]);
  expect([parseType(''), parseType('toString'), parseType('TYPE99999'), parseType('1')]).toEqual(
    Array(4).fill(undefined),
  );
  expect([typeText(1), typeText(4711), rcodeText(3), rcodeText(11)]).toEqual([
    'A',
    'TYPE4711',
    'NXDOMAIN',
    'RCODE11',
  ]);
});

it('the name of an address for reverse look-ups leads back to it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2001:db8::7', 'fe80::1')), (address) => {
      expect(addressOfReverseName(reverseName(address))).toBe(address);
    }),
  );
  for (const name of [
    '1.2.3.in-addr.arpa',
    '1.2.3.4.5.in-addr.arpa',
    '256.1.1.1.in-addr.arpa',
    '0.ip6.arpa',
    'a',
  ])
    expect(addressOfReverseName(name)).toBeUndefined();
});
