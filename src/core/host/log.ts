/** The fields of a log record. Never log file contents, tokens, passwords or container environments. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Logs are events with fields: `log.info('dhcp.lease.granted', { mac, ip, leaseSeconds })`. Use `info` for
 * what a user may want to know later, `warn` for a problem that was recovered from, `error` for something
 * that was not done, `debug` for individual packets and requests.
 */
export interface Logger {
  debug(event: LogEvent, fields?: LogFields): void;
  info(event: LogEvent, fields?: LogFields): void;
  warn(event: LogEvent, fields?: LogFields): void;
  error(event: LogEvent, fields?: LogFields): void;
}

/** Dotted and lower case: `part.thing.happened`. */
export type LogEvent = `${string}.${string}`;

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {
  // A null object, so that callers never have to check for an optional logger.
}
