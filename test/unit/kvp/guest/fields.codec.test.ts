import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeFields,
  encodeFields,
  listedTexts,
  optionalText,
  requiredText,
  utf8Field,
} from '../../../../src/kvp/guest/fields.codec.js';
import { expectEveryProperPrefixRefused, expectValueOrCodecError } from '../../../support/wire-fixture.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const BODY = 'mobyvm-config 1\nhost-name bW9ieQ==\nempty \npoint L0M=\npoint L2M=\nend\n';
const FIELDS = {
  kind: 'mobyvm-config',
  version: 1,
  fields: [
    utf8Field('host-name', 'moby'),
    utf8Field('empty', ''),
    utf8Field('point', '/C'),
    utf8Field('point', '/c'),
  ],
};

describe('a body of fields', () => {
  it('has the format documented for the guest', () => {
    expect(new TextDecoder().decode(encodeFields(FIELDS))).toBe(BODY);
    expect(decodeFields(bytesOf(BODY))).toEqual(FIELDS);
  });

  it('survives encoding and decoding', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/).filter((each) => each !== 'end');
    const body = fc.record({
      kind: word,
      version: fc.integer({ min: 1, max: 999 }),
      fields: fc.array(fc.record({ key: word, value: fc.uint8Array({ maxLength: 200 }) }), { maxLength: 20 }),
    });
    fc.assert(
      fc.property(body, (each) => {
        expect(decodeFields(encodeFields(each))).toEqual(each);
      }),
    );
  });

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(bytesOf(BODY), decodeFields);
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeFields, [bytesOf(BODY)]);
  });

  it.each([
    ['no end', 'a 1\n'],
    ['data after its end', 'a 1\nend\nx eA==\n'],
    ['no version', 'a\nend\n'],
    ['version 0', 'a 0\nend\n'],
    ['version 1000', 'a 1000\nend\n'],
    ['two spaces', 'a 1 2\nend\n'],
    ['an upper-case kind', 'A 1\nend\n'],
    ['a field without a space', 'a 1\nb\nend\n'],
    ['a field that is not base64', 'a 1\nb !\nend\n'],
    ['an empty line', 'a 1\n\nend\n'],
    ['too many fields', `a 1\n${'b \n'.repeat(257)}end\n`],
    ['too many bytes', `a 1\nb ${'A'.repeat(65_536)}\nend\n`],
  ])('with %s is rejected', (_what, body) => {
    expect(() => decodeFields(bytesOf(body))).toThrow(CodecError);
  });

  it('is not encoded with a malformed kind, version or key, or too much data', () => {
    for (const change of [
      { kind: 'A' },
      { version: 0 },
      { version: 1.5 },
      { fields: [utf8Field('end', '')] },
      { fields: [utf8Field('a b', '')] },
      { fields: [utf8Field('a', 'x'.repeat(50_000))] },
    ]) {
      expect(() => encodeFields({ ...FIELDS, ...change })).toThrow(CodecError);
    }
  });

  it('returns texts by their keys', () => {
    const { fields } = decodeFields(bytesOf(BODY));
    expect(requiredText(fields, 'host-name')).toBe('moby');
    expect(optionalText(fields, 'empty')).toBe('');
    expect(optionalText(fields, 'missing')).toBeUndefined();
    expect(listedTexts(fields, 'point')).toEqual(['/C', '/c']);
    expect(() => requiredText(fields, 'missing')).toThrow('missing at byte 0: is missing');
    expect(() => optionalText(fields, 'point')).toThrow('more than once');
    expect(() => requiredText([{ key: 'x', value: Uint8Array.of(0xff) }], 'x')).toThrow('is not UTF-8');
  });
});
