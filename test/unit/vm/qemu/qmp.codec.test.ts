import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeQmpMessage,
  encodeQmpCommand,
  encodeQmpMessage,
  MAX_QMP_LINE_BYTES,
  splitQmpLines,
  type JsonObject,
  type QmpMessage,
} from '../../../../src/vm/qemu/qmp.codec.js';
import { expectEveryProperPrefixRefused, expectValueOrCodecError } from '../../../support/wire-fixture.js';

/**
 * QEMU 7.2.22's side of a session: greeting, qmp_capabilities, query-status, cont, a nonsense command, quit.
 */
const CAPTURED = new Uint8Array(readFileSync(join(import.meta.dirname, 'captured/qmp-qemu-7.2.22.txt')));
const NOTHING = new Uint8Array(0);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const captured = (): readonly Uint8Array[] => splitQmpLines(NOTHING, CAPTURED).lines;

// JSON knows no -0.
const anyValue = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)));
const anyObject = fc.dictionary(fc.string({ minLength: 1 }), anyValue, { noNullPrototype: true });
const anyMessage: fc.Arbitrary<QmpMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('return' as const),
    id: fc.option(fc.nat(), { nil: undefined }),
    value: anyValue,
  }),
  fc.record({
    kind: fc.constant('error' as const),
    id: fc.option(fc.nat(), { nil: undefined }),
    errorClass: fc.string(),
    description: fc.string(),
  }),
  fc.record({ kind: fc.constant('event' as const), name: fc.string(), data: anyObject }),
);

describe('a QMP message', () => {
  test('survives encoding and decoding', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const { lines } = splitQmpLines(NOTHING, encodeQmpMessage(message));
        expect(lines.map(decodeQmpMessage)).toEqual([message]);
      }),
    );
  });

  test('from a real QEMU is decoded', () => {
    expect(captured().map(decodeQmpMessage)).toEqual([
      { kind: 'greeting', version: '7.2.22', body: expect.any(Object) as JsonObject },
      { kind: 'return', id: 1, value: {} },
      { kind: 'return', id: 2, value: { status: 'prelaunch', singlestep: false, running: false } },
      { kind: 'event', name: 'RESUME', data: {} },
      { kind: 'return', id: 3, value: {} },
      {
        kind: 'error',
        id: 4,
        errorClass: 'CommandNotFound',
        description: 'The command nonsense has not been found',
      },
      { kind: 'event', name: 'SHUTDOWN', data: { guest: false, reason: 'host-qmp-quit' } },
      { kind: 'return', id: 5, value: {} },
    ]);
  });

  test('to QEMU is one line', () => {
    const command = { execute: 'migrate', arguments: { uri: 'unix:/a\nb' }, id: 7 };
    expect(new TextDecoder().decode(encodeQmpCommand(command))).toBe(
      '{"execute":"migrate","arguments":{"uri":"unix:/a\\nb"},"id":7}\r\n',
    );
  });

  test('of an unknown form is kept unchanged', () => {
    const message = decodeQmpMessage(bytesOf('{"future": [1, {"x": null}], "id": 3}'));
    expect(message).toEqual({ kind: 'unknown', body: { future: [1, { x: null }], id: 3 } });
    expect(splitQmpLines(NOTHING, encodeQmpMessage(message)).lines.map(decodeQmpMessage)).toEqual([message]);
  });

  test('that is truncated anywhere is rejected', () => {
    for (const line of captured()) expectEveryProperPrefixRefused(line, decodeQmpMessage);
  });

  test('of arbitrary bytes decodes to a value or throws a CodecError', () => {
    expectValueOrCodecError(decodeQmpMessage, captured());
  });

  test.each(['null', '[]', '"text"', '7', '', '{"a":1}{"b":2}'])('is rejected if it is %s', (text) => {
    expect(() => decodeQmpMessage(bytesOf(text))).toThrow(CodecError);
  });

  test('that is not UTF-8 is rejected', () => {
    expect(() => decodeQmpMessage(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d))).toThrow(CodecError);
  });
});

describe('QMP lines', () => {
  test('are the same however the stream is split', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(CAPTURED.length), { maxLength: 20 }), (cuts) => {
        const ends = [...cuts, CAPTURED.length].sort((a, b) => a - b);
        let unfinished: Uint8Array = NOTHING;
        let start = 0;
        const lines = ends.flatMap((end) => {
          const split = splitQmpLines(unfinished, CAPTURED.subarray(start, end));
          unfinished = split.unfinished;
          start = end;
          return split.lines.map((line) => new TextDecoder().decode(line));
        });
        expect(lines).toEqual(captured().map((line) => new TextDecoder().decode(line)));
        expect(unfinished).toHaveLength(0);
      }),
    );
  });

  test('may end with LF alone, and empty ones are skipped', () => {
    const { lines, unfinished } = splitQmpLines(NOTHING, bytesOf('{}\n\r\n\n{"a":1}\r\n{"b'));
    expect(lines.map((line) => new TextDecoder().decode(line))).toEqual(['{}', '{"a":1}']);
    expect(new TextDecoder().decode(unfinished)).toBe('{"b');
  });

  test('have a bounded length', () => {
    const long = new Uint8Array(MAX_QMP_LINE_BYTES).fill(0x20);
    expect(splitQmpLines(NOTHING, long).unfinished).toHaveLength(MAX_QMP_LINE_BYTES);
    expect(() => splitQmpLines(long, bytesOf('x'))).toThrow(CodecError);
    expect(() => decodeQmpMessage(new Uint8Array(MAX_QMP_LINE_BYTES + 1))).toThrow(CodecError);
  });
});
