import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { fileAccessError, sleep, statIfPresent } from '../core/host/index.js';
import { isAbort, MobyvmError } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult } from './context.js';
import { withoutControls } from './terminal.js';

export interface FollowOptions {
  readonly path: string;
  /** What the file is, for the message when it does not exist. */
  readonly what: string;
  readonly lines: number;
  readonly follow: boolean;
}

/** Enough for the last lines of any of our logs, whose files are capped at 4 MiB. */
const READ_BYTES = 4 * 1024 * 1024;
const POLL_MS = 200;

/** Prints the last lines of a log, and with `follow` each new line until Ctrl-C, also across a rotation. */
export async function printFile(context: CommandContext, options: FollowOptions): CommandResult {
  const { path, what, lines, follow } = options;
  const { terminal, interrupted } = context;
  const found = await statIfPresent(path);
  if (found === undefined) throw noFileError(what, path);
  const print = (line: string): void => terminal.out(withoutControls(line));
  const tail = new LineReader(path, Math.max(found.size - READ_BYTES, 0));
  const complete = await tail.next(found.size);
  const all = follow || tail.rest === '' ? complete : [...complete, tail.rest];
  if (lines > 0) all.slice(-lines).forEach(print);
  if (!follow) return EXIT_OK;
  try {
    for (;;) {
      await sleep(POLL_MS, interrupted);
      const size = (await statIfPresent(path))?.size ?? 0;
      while (tail.isBehind(size)) (await tail.next(size)).forEach(print);
    }
  } catch (error) {
    if (isAbort(error) || interrupted.aborted) return EXIT_OK;
    throw error;
  }
}

/** Reads a growing file line by line. A character or a line may come in several parts. */
class LineReader {
  readonly #path: string;
  #position: number;
  #decoder = new StringDecoder('utf8');
  /** What comes after the last line break. */
  rest = '';

  constructor(path: string, position: number) {
    this.#path = path;
    this.#position = position;
  }

  /** True also for a file that is shorter than what was read of it: it was rotated or truncated. */
  isBehind(size: number): boolean {
    return size !== this.#position;
  }

  /** The next complete lines, of at most 4 MiB. */
  async next(size: number): Promise<readonly string[]> {
    if (size < this.#position) {
      this.#position = 0;
      this.#decoder = new StringDecoder('utf8');
    }
    const bytes = await readAt(this.#path, this.#position, size - this.#position);
    // Shorter than it was a moment ago: the next look sees that it was rotated.
    this.#position = bytes.length === 0 ? size : this.#position + bytes.length;
    const lines = (this.rest + this.#decoder.write(bytes)).split('\n');
    this.rest = lines.pop() ?? '';
    return lines;
  }
}

async function readAt(path: string, position: number, length: number): Promise<Buffer> {
  if (length <= 0) return Buffer.alloc(0);
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fileAccessError(path, error);
  });
  try {
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.min(length, READ_BYTES)),
      position,
    });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function noFileError(what: string, path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DAEMON_NOT_RUNNING',
    `There is no ${what} yet (${path}).`,
    'It is written from the first `mobyvm up` on.',
  );
}
