import { LOG_LEVELS, type LogLevel } from '../protocol/log-record.js';
import { parseRecord, recordText, type LogRecord } from './log-record.plan.js';

/** Which lines of the daemon's log are shown, and how. */
export interface LogFilter {
  /** Milliseconds since 1970; both inclusive. */
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  /** Beginnings of event names, up to a dot: `dns`, `dns.upstream`. All events if empty. */
  readonly components: readonly string[];
  /** This level and the more important ones. */
  readonly level: LogLevel;
  /** Must match the line as it is shown. */
  readonly pattern: RegExp | undefined;
  readonly json: boolean;
}

/**
 * What to print for a line of the log; undefined leaves it out. A line that is no record has no time, level or component: it is
 * left out by a filter for one of them.
 */
export function shownLine(line: string, filter: LogFilter): string | undefined {
  if (line === '') return undefined;
  const record = parseRecord(line);
  if (record === undefined ? isAboutRecords(filter) : !isWanted(record, filter)) return undefined;
  const text = textFor(line, record, filter);
  return filter.pattern === undefined || filter.pattern.test(text) ? text : undefined;
}

function textFor(line: string, record: LogRecord | undefined, { json }: LogFilter): string {
  if (record === undefined) return json ? JSON.stringify({ text: line }) : line;
  return json ? line : recordText(record);
}

function isAboutRecords({ sinceMs, untilMs, components, level }: LogFilter): boolean {
  return sinceMs !== undefined || untilMs !== undefined || components.length > 0 || level !== 'debug';
}

function isWanted({ time, level, event }: LogRecord, filter: LogFilter): boolean {
  const { sinceMs = -Infinity, untilMs = Infinity, components } = filter;
  const atMs = Date.parse(time);
  return (
    LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(filter.level) &&
    !(atMs < sinceMs || atMs > untilMs) &&
    (components.length === 0 || components.some((each) => event === each || event.startsWith(`${each}.`)))
  );
}
