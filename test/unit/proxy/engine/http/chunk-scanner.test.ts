import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../../src/core/values/index.js';
import { ChunkScanner } from '../../../../../src/proxy/engine/http/chunk-scanner.js';

const BODY = '4;name="x y"\r\nWiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nExpires: never\r\n\r\n';
const CONTENT = 'Wikipedia in \r\n\r\nchunks.';

function scan(pieces: readonly string[]): { content: string; taken: number; isDone: boolean } {
  const scanner = new ChunkScanner();
  let content = '';
  let taken = 0;
  for (const piece of pieces)
    taken += scanner.scan(
      Buffer.from(piece, 'latin1'),
      (bytes, start, end) => (content += bytes.toString('latin1', start, end)),
    );
  return { content, taken, isDone: scanner.isDone };
}

describe('a chunked body', () => {
  it('ends at the same byte however it is split, and keeps what follows', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: BODY.length + 4 }), { maxLength: 10 }), (cuts) => {
        const text = `${BODY}next`;
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(scan(pieces)).toEqual({ content: CONTENT, taken: BODY.length, isDone: true });
      }),
    );
  });

  it.each(['4\nWiki\r\n0\r\n\r\n', '0004 \t\r\nWiki\r\n0;x\n\r\n', '4;a;b="c"\nWiki\r\n00\r\nA: b\r\n\r\n'])(
    'may be written as the engine allows: %j',
    (text) => expect(scan([text])).toEqual({ content: 'Wiki', taken: text.length, isDone: true }),
  );

  it('is not done before its last byte', () => {
    for (let length = 0; length < BODY.length; length += 1)
      expect(scan([BODY.slice(0, length)]).isDone, `${length} bytes`).toBe(false);
  });

  it.each([
    ['no size', '\r\n'],
    ['a sign', '-1\r\n'],
    ['a size that is not a number', '0x4\r\n'],
    ['an excessive size', 'fffffffffffffffff\r\n'],
    ['more data than it says', '4\r\nWikipedia\r\n'],
    ['an endless size line', `4;${'x'.repeat(5_000)}`],
    ['a space before its extension', '4 ;x\r\n'],
    ['a bare carriage return in its extension', '4;x\ry\r\n'],
    ['a bare line feed after its data', '4\r\nWiki\n'],
    ['a bare line feed after a trailer', '0\r\nA: b\n'],
    ['seventeen digits', '00000000000000001\r\n'],
    ['much more framing than data', `1;${'x'.repeat(4_000)}\r\na\r\n`.repeat(5)],
    ['endless trailers', `0\r\n${'A: b\r\n'.repeat(4_000)}`],
    ['an endless trailer', `0\r\nA: ${'b'.repeat(20_000)}`],
  ])('is rejected with %s', (_what, text) => {
    expect(() => scan([text])).toThrow(CodecError);
  });

  it('decodes arbitrary bytes to a number or a CodecError', () => {
    const parts = fc.string({ unit: fc.constantFrom('0', '5', 'a', ';', '\r\n', '\n', '\r', 'hello', ' ') });
    fc.assert(
      fc.property(parts, (text) => {
        try {
          expect(scan([text]).taken).toBeLessThanOrEqual(text.length);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });
});
