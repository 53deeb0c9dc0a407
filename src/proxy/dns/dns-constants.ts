/**
 * Record types that are treated specially (https://www.rfc-editor.org/rfc/rfc1035#section-3.2.2); all others
 * are just numbers.
 */
export const RecordType = {
  a: 1,
  soa: 6,
  ptr: 12,
  hinfo: 13,
  /** https://www.rfc-editor.org/rfc/rfc3596#section-2.1 */
  aaaa: 28,
  /** https://www.rfc-editor.org/rfc/rfc6891#section-6.1.1 */
  opt: 41,
  /** https://www.rfc-editor.org/rfc/rfc9460#section-14.1 */
  svcb: 64,
  https: 65,
  /** https://www.rfc-editor.org/rfc/rfc1995#section-2 */
  ixfr: 251,
  /** https://www.rfc-editor.org/rfc/rfc1035#section-3.2.3 */
  axfr: 252,
  any: 255,
} as const;

/** https://www.rfc-editor.org/rfc/rfc1035#section-3.2.4 */
export const RecordClass = { internet: 1, any: 255 } as const;

/** Response codes: https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1 */
export const Rcode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  /**
   * Over 15, so its upper bits are in the OPT record: https://www.rfc-editor.org/rfc/rfc6891#section-6.1.3
   */
  badVersion: 16,
} as const;

/** What a client without EDNS accepts over UDP: https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1 */
export const MIN_UDP_BYTES = 512;
/**
 * Upper limit for our UDP answers, whatever the client accepts:
 * https://www.rfc-editor.org/rfc/rfc6891#section-6.2.5
 */
export const MAX_UDP_BYTES = 4_096;
/** A query is one question and a few EDNS options, so no legitimate one is longer. */
export const MAX_QUERY_BYTES = 4_096;

/** NXDOMAIN is an answer. These may be the problem of one server only, so the next one is asked. */
export const SERVER_PROBLEMS: readonly number[] = [
  Rcode.formatError,
  Rcode.serverFailure,
  Rcode.notImplemented,
  Rcode.refused,
];
