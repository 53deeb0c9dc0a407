import { createInterface } from 'node:readline/promises';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { decodeUserText, MobyvmError, reencodeRemedy } from '../core/values/index.js';
import type { Input } from './context.js';

/** Nothing that is read from standard input is longer; the exact limits are up to whoever uses the text. */
const MAX_BYTES = 64 * 1024;

/** Standard input, which may be a terminal. */
export type InputStream = Readable & {
  readonly isTTY?: boolean;
  readonly setRawMode?: (isRaw: boolean) => unknown;
};

export function processInput(stream: InputStream): Input {
  return {
    isTerminal: stream.isTTY === true,
    read: () => readInput(stream),
    readLine: (signal) => readLine(stream, signal),
    readHidden: (signal) => readHidden(stream, signal),
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

const INTERRUPT = '\u0003';
const END_OF_INPUT = '\u0004';
const ERASE = ['\u007f', '\b'];
const ERASE_LINE = '\u0015';

/** In raw mode the terminal shows nothing, and interprets nothing either. */
async function readHidden(stream: InputStream, signal: AbortSignal): Promise<string> {
  if (stream.isTTY !== true || stream.setRawMode === undefined) return readLine(stream, signal);
  const decoder = new StringDecoder('utf8');
  let typed: readonly string[] = [];
  stream.setRawMode(true);
  try {
    return await new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      stream.once('end', () => resolve(typed.join('')));
      stream.on('data', (chunk: Buffer) => {
        for (const character of decoder.write(chunk)) {
          if (character === INTERRUPT) return reject(interruptedError());
          if (character === '\r' || character === '\n' || character === END_OF_INPUT) {
            return resolve(typed.join(''));
          }
          if (ERASE.includes(character)) typed = typed.slice(0, -1);
          else typed = character === ERASE_LINE ? [] : [...typed, character];
        }
      });
    });
  } finally {
    stream.removeAllListeners('data').pause();
    stream.setRawMode(false);
  }
}

function interruptedError(): MobyvmError {
  return new MobyvmError('MOBYVM_ABORTED', 'Interrupted.', 'Run the command again.');
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
