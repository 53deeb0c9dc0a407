import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { checkXmlFence } from '../../../../src/kvp/wire/cim-xml-fence.plan.js';
import { decodeCimItem, encodeCimItem } from '../../../../src/kvp/wire/cim-xml.codec.js';

/** As `GetText(1)` gives an intrinsic item of the guest. */
const GOLDEN =
  '<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem"><PROPERTY NAME="Caption" PROPAGATED="true" TYPE="string"></PROPERTY>' +
  '<PROPERTY NAME="Data" TYPE="string"><VALUE>10.0.75.2</VALUE></PROPERTY>' +
  '<PROPERTY NAME="Description" PROPAGATED="true" TYPE="string"></PROPERTY>' +
  '<PROPERTY NAME="ElementName" PROPAGATED="true" TYPE="string"></PROPERTY>' +
  '<PROPERTY NAME="InstanceID" PROPAGATED="true" TYPE="string"></PROPERTY>' +
  '<PROPERTY NAME="Name" TYPE="string"><VALUE>NetworkAddressIPv4</VALUE></PROPERTY>' +
  '<PROPERTY NAME="Source" TYPE="uint16"><VALUE>2</VALUE></PROPERTY></INSTANCE>';

const item = (inner: string): string => `<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">${inner}</INSTANCE>`;
const property = (name: string, value: string): string =>
  `<PROPERTY NAME="${name}" TYPE="string">${value}</PROPERTY>`;
const NAME = property('Name', '<VALUE>n</VALUE>');

const writable = fc
  .string({ unit: 'binary', maxLength: 300 })
  .filter((text) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u.test(text));

describe('an item in CIM-XML', () => {
  it('is decoded and encoded as Hyper-V writes it', () => {
    const found = decodeCimItem(GOLDEN);
    expect(found).toMatchObject({ name: 'NetworkAddressIPv4', data: '10.0.75.2', source: 2 });
    expect([...found.others.keys()]).toEqual(['Caption', 'Description', 'ElementName', 'InstanceID']);
    expect(encodeCimItem({ name: 'NetworkAddressIPv4', data: '10.0.75.2', source: 2 })).toBe(GOLDEN);
  });

  it('survives encoding and decoding', () => {
    const named = fc.record({
      name: writable.filter((name) => name !== ''),
      data: writable,
      source: fc.nat(65_535),
    });
    fc.assert(
      fc.property(named, (each) => {
        const { others, ...found } = decodeCimItem(encodeCimItem(each));
        expect(found).toEqual(each);
        expect(others.size).toBe(4);
      }),
    );
  });

  it.each([
    '<&>"\'',
    ']]>',
    '<![CDATA[x]]>',
    ' \t\n ',
    '\r\n',
    '&amp;lt;',
    '__proto__',
    'constructor',
    '_',
    '$',
    '😀',
  ])('can have the name and the data %j', (text) => {
    expect(decodeCimItem(encodeCimItem({ name: text, data: text }))).toMatchObject({
      name: text,
      data: text,
    });
  });

  it('finds properties by name, in any order', () => {
    const xml = item(property('Source', '<VALUE>1</VALUE>') + NAME + property('Data', '<VALUE>d</VALUE>'));
    expect(decodeCimItem(xml)).toMatchObject({ name: 'n', data: 'd', source: 1 });
  });

  it.each([
    ['no VALUE', property('Data', '')],
    ['an empty VALUE', property('Data', '<VALUE></VALUE>')],
    ['a short VALUE', property('Data', '<VALUE/>')],
    ['nothing at all', ''],
  ])('reads %s as empty text', (_what, data) => {
    expect(decodeCimItem(item(NAME + data))).toMatchObject({ data: '', source: undefined });
  });

  it('keeps unknown properties', () => {
    const known = decodeCimItem(
      item(`${property('__proto__', '<VALUE>x</VALUE>')}${NAME}${property('New', '<VALUE>y</VALUE>')}`),
    );
    expect([...known.others]).toEqual([
      ['__proto__', 'x'],
      ['New', 'y'],
    ]);
    const arrays =
      '<PROPERTY.ARRAY NAME="A" TYPE="string"><VALUE.ARRAY><VALUE>1</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>';
    expect(decodeCimItem(item(arrays + NAME)).name).toBe('n');
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect('x' in {}).toBe(false);
  });

  it('understands references, CDATA and layout', () => {
    const value = '<VALUE>&lt;&#65;&#x42;<![CDATA[<c>&d;]]]]></VALUE>';
    expect(decodeCimItem(`\r\n ${item(`\n  ${NAME}\n  ${property('Data', value)}\n`)}\n`).data).toBe(
      '<AB<c>&d;]]',
    );
  });

  it.each([
    ['a document type', `<!DOCTYPE x [<!ENTITY a "b">]>${GOLDEN}`],
    ['a declaration', `<?xml version="1.0"?>${GOLDEN}`],
    ['a processing instruction', item(`<?php ?>${NAME}`)],
    ['a comment', item(`<!-- -->${NAME}`)],
    ['an entity', item(property('Name', '<VALUE>&lol;</VALUE>'))],
    ['an entity of HTML', item(property('Name', '<VALUE>&nbsp;</VALUE>'))],
    ['an entity in an attribute', item(`<PROPERTY NAME="&x;"></PROPERTY>`)],
    ['a reference to NUL', item(property('Name', '<VALUE>&#0;</VALUE>'))],
    ['a reference to half a surrogate pair', item(property('Name', '<VALUE>&#xD800;</VALUE>'))],
    ['a reference beyond Unicode', item(property('Name', '<VALUE>&#x110000;</VALUE>'))],
    ['a NUL', item(property('Name', '<VALUE>\0</VALUE>'))],
    ['something after the root', `${GOLDEN}<INSTANCE CLASSNAME="x"/>`],
    ['text after the root', `${GOLDEN}x`],
    ['text before the root', `x${GOLDEN}`],
    ['CDATA before the root', `<![CDATA[]]>${GOLDEN}`],
    ['a lower-case element', item(`<__proto__>x</__proto__>${NAME}`)],
    [
      'an attribute named like an Object member',
      item(`<PROPERTY NAME="Name" hasOwnProperty="x" TYPE="string"/>`),
    ],
    ['an attribute twice', item(`<PROPERTY NAME="Name" NAME="Name"/>`)],
    ['an attribute without quotes', item('<PROPERTY NAME=Name></PROPERTY>')],
    ['overlapping elements', '<INSTANCE CLASSNAME="x"><PROPERTY></INSTANCE></PROPERTY>'],
    ['another class', GOLDEN.replace('DataItem', 'Component')],
    ['another element', '<CLASS NAME="Msvm_KvpExchangeDataItem"/>'],
    ['no class', `<INSTANCE>${NAME}</INSTANCE>`],
    ['no name', item(property('Data', '<VALUE>d</VALUE>'))],
    ['an empty name', item(property('Name', ''))],
    ['a property without a name', item(`${NAME}<PROPERTY TYPE="string"/>`)],
    ['a property twice', item(NAME + NAME)],
    ['two values', item(property('Name', '<VALUE>a</VALUE><VALUE>b</VALUE>'))],
    ['a value with attributes', item(property('Name', '<VALUE X="1"> </VALUE>'))],
    ['an element in a value', item(property('Name', '<VALUE>a<VALUE>b</VALUE></VALUE>').replace('a', ''))],
    ['a source that is not a number', item(NAME + property('Source', '<VALUE>-1</VALUE>'))],
    ['nothing', ''],
    ['only white space', ' \n'],
    ['excessive nesting', '<A>'.repeat(17) + '</A>'.repeat(17)],
    ['too many elements', item('<PROPERTY NAME="x"/>'.repeat(256))],
    ['too much text', item(property('Name', `<VALUE>${'x'.repeat(65_536)}</VALUE>`))],
  ])('with %s is rejected', (_what, xml) => {
    expect(() => decodeCimItem(xml)).toThrow(CodecError);
  });

  it('is rejected when truncated anywhere', () => {
    for (let length = 0; length < GOLDEN.length; length++) {
      expect(() => decodeCimItem(GOLDEN.slice(0, length))).toThrow(CodecError);
    }
  });

  it('is not encoded with characters that XML cannot represent', () => {
    for (const text of ['\0', '\u0001', '\u000b', '\ufffe', '\ud800']) {
      expect(() => encodeCimItem({ name: 'n', data: text })).toThrow(CodecError);
      expect(() => encodeCimItem({ name: text, data: '' })).toThrow(CodecError);
    }
    expect(() => encodeCimItem({ name: '', data: '' })).toThrow(CodecError);
  });

  it('of arbitrary text gives a value or a CodecError', () => {
    const pieces = fc.constantFrom(
      ...[
        '<',
        '>',
        '/',
        '"',
        '&',
        ';',
        '<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">',
        '</INSTANCE>',
        '<VALUE>',
      ],
      ...[
        '</VALUE>',
        '<PROPERTY NAME="Name">',
        '</PROPERTY>',
        '<![CDATA[',
        ']]>',
        '&amp;',
        '&#x41;',
        '<!',
        'x',
        ' ',
        '\0',
      ],
    );
    const damaged = fc.tuple(fc.nat(GOLDEN.length), fc.nat(8), pieces).map(([at, drop, piece]) => {
      return GOLDEN.slice(0, at) + piece + GOLDEN.slice(at + drop);
    });
    const anyText = fc.oneof(
      fc.array(pieces).map((each) => each.join('')),
      damaged,
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(anyText, (xml) => {
        try {
          decodeCimItem(xml);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('is not slowed down by malicious text', () => {
    const slow = [
      `<A ${' '.repeat(60_000)}`,
      '&#'.repeat(30_000),
      `<A B="${'&amp;'.repeat(13_000)}`,
      `<![CDATA[${']'.repeat(65_000)}`,
    ];
    for (const xml of slow) expect(() => checkXmlFence(xml)).toThrow(CodecError);
  });
});
