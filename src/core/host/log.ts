/** A field of a log record. Never put file contents, tokens, passwords or container environments into one. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Logs are events with fields: `log.info('dhcp.lease.granted', { mac, ip, leaseSeconds })`.
 * `info` is what a user would want to know afterwards, `warn` means that it recovered, `error` that something did
 * not happen, `debug` is for each packet and each request.
 */
export interface Logger {
  debug(event: LogEvent, fields?: LogFields): void;
  info(event: LogEvent, fields?: LogFields): void;
  warn(event: LogEvent, fields?: LogFields): void;
  error(event: LogEvent, fields?: LogFields): void;
}

/** Dotted, lower case: `part.thing.happened`. */
export type LogEvent = `${string}.${string}`;

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {
  // A null object: whoever needs no log passes this one instead of asking whether there is a logger.
}
