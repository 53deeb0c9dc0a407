import { Rcode, RecordClass, RecordType } from './dns-constants.js';
import { HEADER_BYTES, type DnsHeader } from './header.codec.js';
import { sectionsOf, type DnsMessage, type DnsQuery, type DnsSections } from './message.codec.js';
import type { RecordSpan } from './record.codec.js';

/** An upstream's answer in a form that serves everybody who asks the same. */
export interface SharedAnswer {
  readonly bytes: Uint8Array;
  readonly header: DnsHeader;
  /** Where the TTLs are, and what they were when the answer came. */
  readonly ttls: readonly { readonly at: number; readonly seconds: number }[];
  /** How long it may be kept; 0 if not at all. */
  readonly lifetimeSeconds: number;
}

/** Longer times to live are not believed: https://www.rfc-editor.org/rfc/rfc8767#section-4 */
const MAX_LIFETIME_SECONDS = 86_400;
/** https://www.rfc-editor.org/rfc/rfc2308#section-5 recommends one to three hours. */
const MAX_NEGATIVE_SECONDS = 10_800;
/** A TTL with the highest bit set is 0: https://www.rfc-editor.org/rfc/rfc2181#section-8 */
const MAX_TTL = 0x7fffffff;
/** COOKIE and PADDING (RFC 7873, RFC 7830): between us and our peer, without influence on the answer. */
const NEUTRAL_OPTIONS: readonly number[] = [10, 12];
/** Transaction signatures are over the whole message: https://www.rfc-editor.org/rfc/rfc8945#section-4.2 */
const TSIG = 250;

/**
 * Equal for queries that have the same answer; undefined for a query whose answer is for nobody else, such as
 * one that names the client's subnet.
 */
export function sharingKey({ question, header, name, edns }: DnsQuery): string | undefined {
  if (question.class !== RecordClass.internet) return undefined;
  if (edns !== undefined) {
    if (edns.version !== 0) return undefined;
    if (edns.options.some(({ code }) => !NEUTRAL_OPTIONS.includes(code))) return undefined;
  }
  const flags =
    (header.recursionDesired ? 1 : 0) |
    (header.z ? 2 : 0) |
    (header.authenticData ? 4 : 0) |
    (header.checkingDisabled ? 8 : 0) |
    (edns === undefined ? 0 : edns.dnssecOk ? 48 : 16);
  return `${name} ${question.type} ${flags}`;
}

/**
 * The answer without what is for one client only. Undefined if it is malformed, truncated or signed, so that
 * everybody has to ask for themselves.
 */
export function sharedAnswer(query: DnsQuery, answer: DnsMessage): SharedAnswer | undefined {
  const { header } = answer;
  if (header.isTruncated || header.questions !== 1) return undefined;
  const sections = sectionsOf(answer);
  if (sections?.questionsEnd !== query.questionEnd) return undefined;
  const bytes = withoutOptions(answer.bytes, sections);
  if (bytes === undefined) return undefined;
  const { answers, authorities, additionals } = sections;
  const records = [...answers, ...authorities, ...additionals].filter(({ type }) => type !== RecordType.opt);
  if (records.some(({ type }) => type === TSIG)) return undefined;
  const ttls = records.map((record) => ({ at: record.dataStart - 6, seconds: ttlOf(record, bytes) }));
  return { bytes, header, ttls, lifetimeSeconds: lifetimeOf(query, header, sections, ttls) };
}

/**
 * The answer for one of those who ask: with its id, its spelling of the name, and times to live that have run
 * since the answer came.
 * @param staleSeconds the time to live of all records of an answer that has run out
 */
export function addressedTo(
  query: DnsQuery,
  shared: SharedAnswer,
  { ageSeconds, staleSeconds }: { readonly ageSeconds: number; readonly staleSeconds?: number },
): DnsMessage {
  const bytes = shared.bytes.slice();
  bytes[0] = query.header.id >> 8;
  bytes[1] = query.header.id & 0xff;
  // Not from the authority itself: https://www.rfc-editor.org/rfc/rfc1034#section-6.2.1
  bytes[2] = (bytes[2] ?? 0) & ~0x04;
  bytes.set(query.bytes.subarray(HEADER_BYTES, query.questionEnd), HEADER_BYTES);
  for (const { at, seconds } of shared.ttls) {
    const left = staleSeconds ?? Math.max(0, seconds - ageSeconds);
    bytes[at] = left >>> 24;
    bytes[at + 1] = (left >>> 16) & 0xff;
    bytes[at + 2] = (left >>> 8) & 0xff;
    bytes[at + 3] = left & 0xff;
  }
  return { bytes, header: { ...shared.header, id: query.header.id, isAuthoritative: false } };
}

/** Undefined if the OPT record has options and is not the last record: names behind it could point anywhere. */
function withoutOptions(bytes: Uint8Array, { additionals }: DnsSections): Uint8Array | undefined {
  const opt = additionals.find(({ type }) => type === RecordType.opt);
  if (opt === undefined || opt.dataStart === opt.end) return new Uint8Array(bytes);
  if (opt.end !== bytes.length) return undefined;
  const bare = new Uint8Array(bytes.subarray(0, opt.dataStart));
  bare[opt.dataStart - 2] = 0;
  bare[opt.dataStart - 1] = 0;
  return bare;
}

/** That of an SOA is at most its MINIMUM: https://www.rfc-editor.org/rfc/rfc2308#section-5 */
function ttlOf(record: RecordSpan, bytes: Uint8Array): number {
  const ttl = record.ttl > MAX_TTL ? 0 : record.ttl;
  if (record.type !== RecordType.soa || record.end - record.dataStart < 22) return ttl;
  const minimum = new DataView(bytes.buffer).getUint32(record.end - 4);
  return Math.min(ttl, minimum > MAX_TTL ? 0 : minimum);
}

function lifetimeOf(
  { question }: DnsQuery,
  { rcode }: DnsHeader,
  { answers, authorities, additionals }: DnsSections,
  ttls: SharedAnswer['ttls'],
): number {
  if (rcode !== Rcode.noError && rcode !== Rcode.nameError) return 0;
  // The upper bits of the response code are in the OPT record.
  if (additionals.some(({ type, ttl }) => type === RecordType.opt && ttl >>> 24 !== 0)) return 0;
  const isNegative = rcode === Rcode.nameError || !answers.some(({ type }) => type === question.type);
  // Without an SOA its lifetime is unknown: https://www.rfc-editor.org/rfc/rfc2308#section-5
  if (isNegative && !authorities.some(({ type }) => type === RecordType.soa)) return 0;
  const most = isNegative ? MAX_NEGATIVE_SECONDS : MAX_LIFETIME_SECONDS;
  return ttls.reduce((least, { seconds }) => Math.min(least, seconds), most);
}
