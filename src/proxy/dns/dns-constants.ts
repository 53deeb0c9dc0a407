/** Record and question types that we treat specially; all others are forwarded as numbers. RFC 1035 §3.2.2 */
export const RecordType = {
  a: 1,
  soa: 6,
  ptr: 12,
  /** RFC 3596 §2.1 */
  aaaa: 28,
  /** RFC 6891 §6.1.1 */
  opt: 41,
  /** RFC 1995 §2 */
  ixfr: 251,
  /** RFC 1035 §3.2.3 */
  axfr: 252,
  any: 255,
} as const;

/** RFC 1035 §3.2.4 and §3.2.5 */
export const RecordClass = { internet: 1, any: 255 } as const;

/** Response codes. RFC 1035 §4.1.1; `badVersion` needs the upper bits of an OPT record (RFC 6891 §6.1.3). */
export const Rcode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;

/** RFC 1035 §4.2.1: what a client without EDNS takes over UDP. */
export const MIN_UDP_BYTES = 512;
/** The most that we send over UDP, whatever the client's EDNS size says (RFC 6891 §6.2.5). */
export const MAX_UDP_BYTES = 4_096;
/** A query has one question and some options; more than this is no honest query. */
export const MAX_QUERY_BYTES = 4_096;
