import { sleep } from '../core/host/index.js';
import { isAbort, MobyvmError } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import type { LogFiles } from '../protocol/paths.js';
import type { CommandContext, CommandResult } from './context.js';
import { LogReader } from './log-reader.js';
import { withoutControls } from './terminal.js';

export interface FollowOptions {
  readonly files: LogFiles;
  /** What the file is, for the message when it does not exist. */
  readonly what: string;
  /** The most lines that are shown of what there is already. */
  readonly lines: number;
  readonly follow: boolean;
  /** What to print for a line; undefined leaves it out. By default each line as it is. */
  readonly show?: (line: string) => string | undefined;
  /** Earlier files are part of the log, not another log. */
  readonly readsEarlier?: boolean;
}

/** Enough for the last lines of any of our logs, whose files are capped at 4 MiB. */
const TAIL_BYTES = 4 * 1024 * 1024;
const POLL_MS = 200;

/** Prints the last lines of a log, and with `follow` each new line until Ctrl-C, also across a rotation. */
export async function printFile(context: CommandContext, options: FollowOptions): CommandResult {
  const { terminal, interrupted } = context;
  const { files, what, follow, readsEarlier = false, show = unchanged } = options;
  await using reader = new LogReader(files, () =>
    terminal.error(`mobyvm: ${files.path} was truncated; lines may be missing here.`),
  );
  const unwatch = follow ? terminal.watchReader() : () => undefined;
  try {
    const isThere = await (readsEarlier ? reader.openEarliest() : reader.open(TAIL_BYTES));
    if (!isThere) throw noFileError(what, files.path);
    await printTail(context, reader, { ...options, show });
    while (follow) {
      const lines = await reader.next();
      if (lines === undefined) await sleep(POLL_MS, interrupted);
      else print(context, shown(lines, show));
      interrupted.throwIfAborted();
    }
  } catch (error) {
    if (!isAbort(error) && !interrupted.aborted) throw error;
  } finally {
    unwatch();
  }
  return EXIT_OK;
}

async function printTail(
  context: CommandContext,
  reader: LogReader,
  { lines, follow, show }: FollowOptions & { readonly show: Show },
): Promise<void> {
  let last: readonly string[] = [];
  const keep = (more: readonly string[]): void => {
    last = lines > 0 ? [...last, ...shown(more, show)].slice(-lines) : [];
  };
  for (let more = await reader.next(); more !== undefined; more = await reader.next()) {
    keep(more);
    context.interrupted.throwIfAborted();
  }
  if (!follow) {
    const rest = reader.takeRest();
    if (rest !== '') keep([rest]);
  }
  print(context, last);
}

type Show = (line: string) => string | undefined;

function unchanged(line: string): string {
  return line;
}

function shown(lines: readonly string[], show: Show): string[] {
  return lines.map(show).filter((line) => line !== undefined);
}

function print({ terminal }: CommandContext, lines: readonly string[]): void {
  for (const line of lines) terminal.out(withoutControls(line));
}

function noFileError(what: string, path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DAEMON_NOT_RUNNING',
    `There is no ${what} yet (${path}).`,
    'It is written from the first `mobyvm up` on.',
  );
}
