import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import { decodeUserText, MobyvmError, reencodeRemedy } from '../core/values/index.js';
import type { Input } from './context.js';

/** Nothing that is read from standard input is longer; the exact limits are up to whoever uses the text. */
const MAX_BYTES = 64 * 1024;

export function processInput(stream: Readable & { readonly isTTY?: boolean }): Input {
  return {
    isTerminal: stream.isTTY === true,
    read: () => readInput(stream),
    readLine: (signal) => readLine(stream, signal),
  };
}

async function readLine(stream: Readable, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: stream });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  } finally {
    lines.close();
  }
}

/** Standard input to its end, without the line break that `echo` and editors put at the end. */
export async function readInput(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw tooLongError();
    chunks.push(chunk);
  }
  const decoded = decodeUserText(Buffer.concat(chunks));
  if ('text' in decoded) return decoded.text.replace(/\r?\n$/, '');
  throw new MobyvmError(
    'MOBYVM_USAGE',
    `Standard input ${decoded.problem}.`,
    `${reencodeRemedy(decoded)} Other data can be passed as base64.`,
  );
}

function tooLongError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_USAGE',
    `Standard input has more than ${MAX_BYTES} bytes.`,
    'Pass a shorter value.',
  );
}
