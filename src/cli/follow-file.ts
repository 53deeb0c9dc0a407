import { open } from 'node:fs/promises';
import { cannotUse, sleep, statIfPresent } from '../core/host/index.js';
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

/** Enough for the last lines of any log of ours, whose files are capped at 4 MiB. */
const READ_BYTES = 4 * 1024 * 1024;
const POLL_MS = 200;

/** Prints the last lines of a log and, if asked to, what is added to it until Ctrl-C; survives rotation. */
export async function printFile(context: CommandContext, options: FollowOptions): CommandResult {
  let position = await printTail(context, options);
  if (!options.follow) return EXIT_OK;
  let partial = '';
  try {
    for (;;) {
      await sleep(POLL_MS, context.interrupted);
      const size = (await statIfPresent(options.path))?.size ?? 0;
      // A file that is shorter than what was read of it was rotated or truncated.
      if (size < position) position = 0;
      if (size === position) continue;
      const lines = (partial + (await readText(options.path, position, size - position))).split('\n');
      position = size;
      partial = lines.pop() ?? '';
      lines.forEach((line) => context.terminal.out(withoutControls(line)));
    }
  } catch (error) {
    if (isAbort(error) || context.interrupted.aborted) return EXIT_OK;
    throw error;
  }
}

async function printTail(context: CommandContext, { path, what, lines }: FollowOptions): Promise<number> {
  const found = await statIfPresent(path);
  if (found === undefined) {
    throw new MobyvmError(
      'MOBYVM_DAEMON_NOT_RUNNING',
      `There is no ${what} yet (${path}).`,
      'It comes with the first `mobyvm up`.',
    );
  }
  const from = Math.max(found.size - READ_BYTES, 0);
  const all = (await readText(path, from, found.size - from)).split('\n');
  if (all.at(-1) === '') all.pop();
  if (lines > 0) all.slice(-lines).forEach((line) => context.terminal.out(withoutControls(line)));
  return found.size;
}

async function readText(path: string, position: number, length: number): Promise<string> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw cannotUse(path, error);
  });
  try {
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.min(length, READ_BYTES)),
      position,
    });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
