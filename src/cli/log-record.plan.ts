import { LOG_LEVELS, withoutRepetition, type LogLevel } from '../protocol/log-record.js';

/** One line of the daemon's log. */
export interface LogRecord {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: LogLevel;
  /** Dotted: `dns.upstream.failed`. Its first part is the component. */
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Undefined for a line that is no record, such as one that was cut off by a power failure. */
export function parseRecord(line: string): LogRecord | undefined {
  const parsed = jsonOrUndefined(line);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { time, level, event, ...fields } = parsed as Readonly<Record<string, unknown>>;
  const known = LOG_LEVELS.find((each) => each === level);
  if (typeof time !== 'string' || typeof event !== 'string' || known === undefined) return undefined;
  return { time, level: known, event, fields };
}

/** For a person: time, level and event in columns, then the fields as `name=value`, and how often it was repeated. */
export function recordText({ time, level, event, fields: all }: LogRecord): string {
  const { fields, repetition } = withoutRepetition(all);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${valueText(value)}`);
  return [time, level.padEnd(5), event, ...pairs, ...(repetition === undefined ? [] : [repetition])].join(
    ' ',
  );
}

/** Quoted if it is not one word, so that the end of each value can be seen. */
function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
