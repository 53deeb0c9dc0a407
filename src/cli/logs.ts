import { MobyvmError, textOf } from '../core/values/index.js';
import { LOG_COMPONENTS, type LogLevel } from '../protocol/log-record.js';
import { daemonLogFiles } from '../protocol/paths.js';
import type { CommandContext, CommandResult } from './context.js';
import { printFile } from './follow-file.js';
import { shownLine, type LogFilter } from './log-filter.plan.js';
import { parseTimeArgument } from './time-argument.plan.js';
import { validLines } from './valid-options.js';

export interface LogsOptions {
  readonly follow: boolean;
  /** By default 50, or all when a time is given. */
  readonly lines: number | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly component: readonly string[] | undefined;
  readonly level: LogLevel;
  readonly grep: string | undefined;
  readonly json: boolean;
}

const USUAL_LINES = 50;

/** `mobyvm logs`: the daemon's log over all of its files, needs no daemon. @throws MobyvmError MOBYVM_USAGE */
export function logs(context: CommandContext, options: LogsOptions): CommandResult {
  const { follow, since, until, component = [], level, grep, json } = options;
  if (follow && until !== undefined)
    throw usageError('--until has no meaning with --follow.', 'Leave one of them out.');
  const nowMs = Date.now();
  const filter: LogFilter = {
    sinceMs: validTime('--since', since, nowMs),
    untilMs: validTime('--until', until, nowMs),
    components: validComponents(component),
    level,
    pattern: validPattern(grep),
    json,
  };
  const hasTime = since !== undefined || until !== undefined;
  const usual = hasTime ? Number.MAX_SAFE_INTEGER : USUAL_LINES;
  return printFile(context, {
    files: daemonLogFiles(context.paths),
    what: 'daemon log',
    readsEarlier: true,
    show: (line) => shownLine(line, filter),
    ...validLines({ lines: options.lines ?? usual, follow }),
  });
}

function validTime(option: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const atMs = parseTimeArgument(text, nowMs);
  if (atMs !== undefined) return atMs;
  throw usageError(
    `${option} is neither a time nor a duration: "${text}".`,
    `For example: ${option} 10m, ${option} 1h30m, ${option} 2026-11-29T07:30 (local time) or ${option} 2026-11-29T07:30:00Z.`,
  );
}

/** A misspelt one would show nothing, which looks as if nothing had happened. */
function validComponents(given: readonly string[]): readonly string[] {
  const names = given.flatMap((each) => each.split(',')).map((each) => each.trim());
  for (const name of names) {
    const [first] = name.split('.');
    if (LOG_COMPONENTS.some((known) => known === first)) continue;
    throw usageError(
      `There is no component "${name}".`,
      `Components are ${LOG_COMPONENTS.join(', ')}; the beginning of an event works as well: dns.upstream.`,
    );
  }
  return names;
}

function validPattern(text: string | undefined): RegExp | undefined {
  try {
    return text === undefined ? undefined : new RegExp(text, 'u');
  } catch (error) {
    throw usageError(
      `--grep is not a regular expression: ${textOf(error)}.`,
      'Put a backslash before characters with a meaning: . * + ? ( ) [ ] { } | \\ ^ $',
    );
  }
}

function usageError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_USAGE', message, remedy);
}
