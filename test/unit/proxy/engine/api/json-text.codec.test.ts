import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../../src/core/values/index.js';
import { editJsonText, select, selectStrings } from '../../../../../src/proxy/engine/api/json-edit.plan.js';
import {
  decodeJsonText,
  encodeJsonString,
  foldedName,
  JsonScanner,
  type JsonNode,
} from '../../../../../src/proxy/engine/api/json-text.codec.js';

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');
const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();

/** As the docker CLI (28.2.2) sends the beginning of a create, with a number and members that nobody knows. */
const CREATE =
  '{"Hostname":"","Cpu": 1.10e2, "Big":12345678901234567890,\t"HostConfig":{"Binds":["C:\\\\site:/data:ro"],' +
  '"New":{"x":[ ]}},"binds":[],"Labels":{"a":"C:\\\\site","a":"ä\\u00e4\\ud83d\\ude00"}}\n';

/** The same value as JSON.parse makes; of repeated members the last. */
function valueOf(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.members.map(({ name, value }) => [name, valueOf(value)]));
    case 'array':
      return node.items.map(valueOf);
    case 'string':
      return node.value;
    case 'literal':
      return JSON.parse(node.text);
  }
}

function strings(node: JsonNode): readonly Extract<JsonNode, { kind: 'string' }>[] {
  if (node.kind === 'string') return [node];
  if (node.kind === 'array') return node.items.flatMap(strings);
  return node.kind === 'object' ? node.members.flatMap(({ value }) => strings(value)) : [];
}

describe('a JSON text', () => {
  it('is read as JSON.parse reads it', () => {
    expect(valueOf(decodeJsonText(bytesOf(CREATE)))).toEqual(JSON.parse(CREATE));
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
        expect(valueOf(decodeJsonText(bytesOf(json)))).toEqual(
          JSON.parse(Buffer.from(json).toString(), (_name, value: unknown) => (value === 0 ? 0 : value)),
        );
      }),
    );
  });

  it('can have a string replaced without changing any other byte', () => {
    const text = bytesOf(CREATE);
    const [bind] = selectStrings(decodeJsonText(text), ['HostConfig', 'Binds', '*']);
    expect(textOf(editJsonText(text, [{ node: bind!, value: '/C/süß:/data' }]))).toBe(
      CREATE.replace('"C:\\\\site:/data:ro"', '"/C/süß:/data"'),
    );
  });

  it('is unchanged when its strings are replaced by themselves', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = bytesOf(JSON.stringify(value));
        const edits = strings(decodeJsonText(text)).map((node) => ({ node, value: node.value }));
        expect(editJsonText(text, edits)).toBe(text);
      }),
    );
  });

  it('is rejected when truncated anywhere', () => {
    const text = bytesOf(CREATE.trimEnd());
    for (let length = 0; length < text.length; length += 1)
      expect(() => decodeJsonText(text.slice(0, length)), `${length} bytes`).toThrow(CodecError);
  });

  it.each([
    '{"a":1,}',
    '[1 2]',
    '01',
    '+1',
    '"\\x"',
    '"\n"',
    "{'a':1}",
    'nul',
    '{"a"}',
    '1 2',
    '"\\u12"',
    '[1,]',
  ])('%j is not one', (text) => expect(() => decodeJsonText(text)).toThrow(CodecError));

  it('decodes like JSON.parse, or to a CodecError, for arbitrary text', () => {
    const unit = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'u00e4',
      '1',
      '-',
      '.',
      'e',
      'null',
      ' ',
    );
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        let expected: { value: unknown } | undefined;
        try {
          expected = { value: JSON.parse(text) };
        } catch {
          expected = undefined;
        }
        if (expected === undefined) expect(() => decodeJsonText(text)).toThrow(CodecError);
        else expect(valueOf(decodeJsonText(text))).toEqual(expected.value);
      }),
      { numRuns: 2_000 },
    );
  });

  it('may contain a string of 10 MB, but no unlimited nesting', () => {
    const long = `["${'\\"'.repeat(5_000_000)}"]`;
    expect(select(decodeJsonText(long), ['*'])).toMatchObject([{ kind: 'string', end: long.length - 1 }]);
    expect(() => decodeJsonText('['.repeat(100_000))).toThrow(CodecError);
  });

  it('has strings whose text is UTF-8', () => {
    expect(textOf(encodeJsonString('ä"\\🐳\n'))).toBe('"ä\\"\\\\🐳\\n"');
  });

  it('is read in steps to the same value, and nothing else is decoded than the members that are asked for', () => {
    const text = bytesOf(`{"a":[1,{"b":"x","c":{"b":"y"}}],"B":"z\\"","d":[{"b":1}]} rest`);
    for (const step of [1, 3, 1_000]) {
      const scanner = new JsonScanner(text, new Set(['a', 'b']));
      while (!scanner.advance(step));
      expect(valueOf(scanner.document.root)).toEqual({ a: [1, { b: 'x' }], B: 'z"' });
    }
  });

  it('tells a member that the engine takes for a repeated one', () => {
    const repeatedIn = (text: string): string | undefined => {
      const scanner = new JsonScanner(bytesOf(text), new Set(['binds', 'k']));
      scanner.advance(Infinity);
      return scanner.document.repeated;
    };
    expect(repeatedIn('{"Binds":[],"x":1,"x":2}')).toBeUndefined();
    expect(repeatedIn('{"Binds":{"binds":1},"k":{}}')).toBeUndefined();
    expect(repeatedIn('{"Binds":[],"BIND\u017f":1}')).toBe('BIND\u017f');
    expect(repeatedIn('[{"k":1,"\u212a":1}]')).toBe('\u212a');
  });

  it('has names that are equal as the engine compares them', () => {
    expect(foldedName('BIND\u017f \u212aelvin')).toBe('binds kelvin');
  });

  it('may be nested as deeply as the engine allows, and hold a bounded number of values', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => decodeJsonText(nested(10_000))).not.toThrow();
    expect(() => decodeJsonText(nested(10_001))).toThrow(CodecError);
    expect(() => decodeJsonText(`[${'1,'.repeat(500_001)}1]`)).toThrow(/more than 500000 values/);
  });
});
