import { deepStrictEqual } from 'node:assert/strict';
import { CodecError } from '../../../src/core/values/index.js';
import { ChunkScanner } from '../../../src/proxy/engine/http/chunk-scanner.js';
import type { FuzzTarget } from '../target.js';

/** However a body is cut into pieces, it has the same content, or the same fault. */
export const target: FuzzTarget = {
  name: 'http-chunks',
  tokens: [
    '\r\n',
    '\n',
    '\r',
    '0\r\n\r\n',
    '0\r\n',
    '1\r\n',
    '1\r\nx\r\n',
    ';',
    ';a=b',
    ' ',
    'f',
    'ffffffff',
    'T: v\r\n',
    '\0',
  ],
  run(input) {
    const cut = (input[0] ?? 0) % 17;
    deepStrictEqual(scan([input.subarray(0, cut), input.subarray(cut)]), scan([input]));
  },
};

function scan(pieces: readonly Buffer[]): unknown {
  const scanner = new ChunkScanner();
  const content: Buffer[] = [];
  let taken = 0;
  try {
    for (const piece of pieces)
      taken += scanner.scan(piece, (bytes, start, end) => content.push(bytes.subarray(start, end)));
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return 'malformed';
  }
  return { taken, isDone: scanner.isDone, content: Buffer.concat(content).toString('latin1') };
}
