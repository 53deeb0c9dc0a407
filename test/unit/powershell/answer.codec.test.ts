import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/core/values/index.js';
import { decodeAnswer } from '../../../src/powershell/answer.codec.js';

const FIELDS = { Name: 'text', Count: 'number', On: 'boolean', Tags: 'texts', Ids: 'numbers' } as const;
const units = (text: string): number[] => Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));

describe('answers', () => {
  it('have a row for each object', () => {
    const json = '{"rows":[{"Name":"a","Count":2,"On":true,"Tags":["x",[8364]],"Ids":[1]}]}';
    expect(decodeAnswer(json, FIELDS)).toEqual({
      kind: 'rows',
      rows: [{ Name: 'a', Count: 2, On: true, Tags: ['x', '€'], Ids: [1] }],
    });
  });

  it('have undefined for missing properties, and empty lists', () => {
    const row = { Name: undefined, Count: undefined, On: undefined, Tags: [], Ids: [] };
    for (const json of ['{"rows":[{}]}', '{"rows":[{"Name":null,"Count":null,"Tags":null}]}'])
      expect(decodeAnswer(json, FIELDS)).toEqual({ kind: 'rows', rows: [row] });
  });

  it('can have the forms of Windows PowerShell: unwrapped lists of one, lists with their length', () => {
    const json = '{"rows":{"Name":8364,"Tags":{"value":["a","b"],"Count":2},"Ids":7}}';
    expect(decodeAnswer(json, FIELDS)).toMatchObject({
      rows: [{ Name: '€', Tags: ['a', 'b'], Ids: [7] }],
    });
    expect(decodeAnswer('{"rows":{"Name":{"value":[252,8364],"Count":2}}}', FIELDS)).toMatchObject({
      rows: [{ Name: 'ü€' }],
    });
    expect(decodeAnswer('{"rows":{"value":[{"Name":"a"}],"Count":1}}', FIELDS)).toMatchObject({
      rows: [{ Name: 'a' }],
    });
  });

  it('report a failure by what does not depend on the language', () => {
    const failure = {
      ...{ errorId: 'InvalidParameter,New-NetNat', category: 'InvalidArgument' },
      ...{ hresults: [-2146233087, -2147024809], message: units('Ungültig'), command: 'New-NetNat' },
    };
    expect(decodeAnswer(JSON.stringify({ failure }), {})).toEqual({
      kind: 'failure',
      failure: {
        ...{ errorId: 'InvalidParameter', category: 'InvalidArgument', hresult: 0x80070057 },
        ...{ message: 'Ungültig', command: 'New-NetNat' },
      },
    });
    const text =
      '{"failure":{"hresults":[-2146233087],"message":"Zu wenig Speicher. (0x800705AA). (ID 0xAB)"}}';
    expect(decodeAnswer(text, {})).toMatchObject({ failure: { hresult: 0x800705aa } });
    expect(decodeAnswer('{"failure":{"hresults":[-2146233087]}}', {})).toMatchObject({
      failure: { errorId: '', hresult: 0 },
    });
  });

  it('report why a module could not be loaded on demand', () => {
    const failureOf = (failure: object) =>
      decodeAnswer(JSON.stringify({ failure: { hresults: [], ...failure } }), {});
    const cause = 'SecurityError';
    expect(failureOf({ errorId: 'CouldNotAutoLoadModule', category: 'ObjectNotFound', cause })).toMatchObject(
      {
        failure: { category: cause },
      },
    );
    expect(failureOf({ errorId: 'CouldNotAutoLoadModule', category: 'ObjectNotFound' })).toMatchObject({
      failure: { category: 'ObjectNotFound' },
    });
    expect(failureOf({ errorId: 'Unspecified', category: 'NotSpecified', cause })).toMatchObject({
      failure: { category: 'NotSpecified' },
    });
  });

  it('carry any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = JSON.stringify({ rows: [{ Name: units(text) }] });
        expect(decodeAnswer(json, { Name: 'text' })).toEqual({ kind: 'rows', rows: [{ Name: text }] });
      }),
    );
  });

  it('that are truncated or invalid are rejected', () => {
    const json = '{"rows":[{"Name":"a","Count":2}]}';
    for (let length = 0; length < json.length; length += 1)
      expect(() => decodeAnswer(json.slice(0, length), FIELDS)).toThrow(CodecError);
    for (const other of ['1', 'null', '[]', '{}', '{"rows":1}', '{"rows":[{"Count":"x"}]}', '{"failure":{}}'])
      expect(() => decodeAnswer(other, FIELDS)).toThrow(CodecError);
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          decodeAnswer(text, FIELDS);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });
});
