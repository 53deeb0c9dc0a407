import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeName,
  encodeName,
  nameText,
  parseName,
  skipName,
} from '../../../../src/proxy/dns/name.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  toHex,
  wireFixture,
} from '../../../support/wire-fixture.js';

const anyName = fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 8 });
const decodeAt = (offset: number) => (bytes: Uint8Array) => decodeName(bytes, offset, 'name');

describe('a DNS name', () => {
  it('decodes to what was encoded, anywhere in a message', () => {
    fc.assert(
      fc.property(anyName, fc.uint8Array({ maxLength: 20 }), (name, before) => {
        const bytes = Uint8Array.from([...before, ...encodeName(name), 9, 9]);
        const end = bytes.length - 2;
        expect(decodeName(bytes, before.length, 'name')).toEqual({ name, end });
        expect(skipName(bytes, before.length, 'name')).toBe(end);
      }),
    );
  });

  it('has the bytes of RFC 1035 §4.1.4, pointers included', () => {
    // F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
    const message = new Uint8Array(93);
    message.set(fromHex('0146 03495349 0441525041 00'), 20);
    message.set(fromHex('03464f4f c014'), 40);
    message.set(fromHex('c01a'), 64);
    expect(decodeAt(40)(message)).toEqual({ name: parseName('FOO.F.ISI.ARPA'), end: 46 });
    expect(decodeAt(64)(message)).toEqual({ name: parseName('ARPA'), end: 66 });
    expect(decodeAt(92)(message)).toEqual({ name: [], end: 93 });
    expect(skipName(message, 40, 'name')).toBe(46);
  });

  it('from dnsmasq keeps its case in the bytes but not in the text', () => {
    const { name } = decodeAt(12)(wireFixture('dns-dnsmasq-answer-mixed-case'));
    expect(toHex(encodeName(name))).toBe('0377456204634f7270074578616d706c6500');
    expect(nameText(name)).toBe('web.corp.example');
  });

  it.each([
    ['points to itself', 'c000', 0],
    ['points forward', 'c002 00', 0],
    ['points into a loop', '0161 c004 0162 c000', 4],
    ['points back through its own label', '0161 c000', 0],
    ['has a label type of RFC 2673', '4101 00', 0],
    ['has an unused label type', '8001 00', 0],
    ['points beyond the end', 'c0ff', 0],
    ['begins beyond the end', '00', 7],
  ])('is rejected when it %s', (_, hex, offset) => {
    expect(() => decodeAt(offset)(fromHex(hex))).toThrow(CodecError);
  });

  it('is rejected if longer than 255 bytes, also through pointers', () => {
    const label = fromHex(`3f${'61'.repeat(63)}`);
    const three = [...label, ...label, ...label];
    const exact = Uint8Array.from([...three, 61, ...label.slice(1, 62), 0]);
    expect(decodeAt(0)(exact).end).toBe(255);
    expect(() => decodeAt(0)(Uint8Array.from([...three, ...label, 0]))).toThrow(CodecError);
    const pointed = Uint8Array.from([...three, 0, ...label, 0xc0, 0]);
    expect(() => decodeAt(193)(pointed)).toThrow(CodecError);
    expect(() => encodeName(parseName(`${'a.'.repeat(128)}a`))).toThrow(CodecError);
    expect(() => encodeName(parseName('x'.repeat(64)))).toThrow(CodecError);
    expect(() => encodeName(parseName('a..b'))).toThrow(CodecError);
  });

  it('shows a dot inside a label and special bytes as numbers', () => {
    expect(nameText([Uint8Array.of(0x61, 0x2e, 0x42), Uint8Array.of(0xff)])).toBe('a\\046b.\\255');
    expect(nameText(parseName('_sip._tcp.Corp-1.example.'))).toBe('_sip._tcp.corp-1.example');
  });

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(fromHex('03777777 04636f7270 00'), decodeAt(0));
    expectEveryProperPrefixRefused(fromHex('03777777 04636f7270 00'), (bytes) => skipName(bytes, 0, 'name'));
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    const seeds = [wireFixture('dns-dnsmasq-answer-soa'), fromHex('0161 c000 c002 c004 c006')];
    for (const offset of [0, 6, 40]) expectValueOrCodecError(decodeAt(offset), seeds);
    expectValueOrCodecError((bytes) => skipName(bytes, 0, 'name'), seeds);
  });
});
