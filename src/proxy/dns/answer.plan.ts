import { ByteWriter } from '../../core/values/index.js';
import { MAX_UDP_BYTES, MIN_UDP_BYTES, RecordType } from './dns-constants.js';
import { encodeEdns, type EdnsOption } from './edns.codec.js';
import { encodeHeader, HEADER_BYTES, type DnsHeader } from './header.codec.js';
import { sectionsOf, type DnsMessage, type DnsQuery } from './message.codec.js';
import type { RecordSpan } from './record.codec.js';

/** The EDNS buffer size of our own answers: fits into an Ethernet frame without fragmentation. */
const OUR_UDP_BYTES = 1_232;

export interface OwnAnswer {
  /** May be over 15 if the client speaks EDNS. */
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  /** Encoded records whose names may point to the question's at byte 12. */
  readonly answers: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
  readonly option?: EdnsOption;
}

/**
 * An answer that we make ourselves: the question's bytes as they came, and an OPT record if the query had one
 * (https://www.rfc-editor.org/rfc/rfc6891#section-6.1.1).
 */
export function ownAnswer(query: DnsQuery, answer: OwnAnswer): DnsMessage {
  const { edns, questionEnd } = query;
  const header: DnsHeader = {
    ...responseHeader(query.header),
    rcode: answer.rcode & 0xf,
    isAuthoritative: answer.isAuthoritative,
    questions: 1,
    answers: answer.answers.length,
    authorities: answer.authorities.length,
    additionals: edns === undefined ? 0 : 1,
  };
  const writer = new ByteWriter()
    .put(encodeHeader(header))
    .put(query.bytes.subarray(HEADER_BYTES, questionEnd));
  for (const record of [...answer.answers, ...answer.authorities]) writer.put(record);
  if (edns !== undefined) {
    writer.put(
      encodeEdns({
        udpBytes: OUR_UDP_BYTES,
        version: 0,
        dnssecOk: edns.dnssecOk,
        extendedRcode: answer.rcode >> 4,
        options: answer.option === undefined ? [] : [answer.option],
      }),
    );
  }
  return { header, bytes: writer.done() };
}

/** An answer without records. */
export function errorAnswer(query: DnsQuery, rcode: number, option?: EdnsOption): DnsMessage {
  const answer = { rcode, isAuthoritative: false, answers: [], authorities: [] };
  return ownAnswer(query, option === undefined ? answer : { ...answer, option });
}

/** The answer to a message of which only the header could be read. */
export function headerOnlyAnswer(request: DnsHeader, rcode: number): DnsMessage {
  const header = { ...responseHeader(request), rcode };
  return { header, bytes: encodeHeader(header) };
}

/**
 * How many bytes the client takes over UDP: the buffer size of its EDNS record
 * (https://www.rfc-editor.org/rfc/rfc6891#section-6.2.3), 512 without one
 * (https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1).
 */
export function udpLimitOf(query: DnsQuery): number {
  return Math.min(MAX_UDP_BYTES, Math.max(MIN_UDP_BYTES, query.edns?.udpBytes ?? 0));
}

/**
 * The answer itself if it fits, otherwise as many of its first records as fit, with TC set so that the client
 * asks again over TCP (https://www.rfc-editor.org/rfc/rfc2181#section-9). Whole records are kept because
 * resolvers without TCP (musl before 1.2.4) use what they get; names only point backwards, so a cut between
 * records is safe. The OPT record is kept (https://www.rfc-editor.org/rfc/rfc6891#section-7).
 */
export function fitToUdp(answer: DnsMessage, query: DnsQuery): Uint8Array {
  const limitBytes = udpLimitOf(query);
  const { bytes } = answer;
  if (bytes.length <= limitBytes) return bytes;
  const sections = sectionsOf(answer);
  if (sections === undefined) return bareTruncated(query);
  const opt = sections.additionals.find((record) => record.type === RecordType.opt);
  const optBytes = opt === undefined ? 0 : opt.end - opt.start;
  const kept = sections.answers.filter((record) => record.end + optBytes <= limitBytes);
  const header = encodeHeader({
    ...answer.header,
    isTruncated: true,
    answers: kept.length,
    authorities: 0,
    additionals: opt === undefined ? 0 : 1,
  });
  const bodyEnd = kept.at(-1)?.end ?? sections.questionsEnd;
  const writer = new ByteWriter().put(header).put(bytes.subarray(HEADER_BYTES, bodyEnd));
  return writer.put(opt === undefined ? new Uint8Array() : bytesOf(bytes, opt)).done();
}

function responseHeader(request: DnsHeader): DnsHeader {
  return {
    ...request,
    isResponse: true,
    isAuthoritative: false,
    isTruncated: false,
    recursionAvailable: true,
    z: false,
    authenticData: false,
    rcode: 0,
    questions: 0,
    answers: 0,
    authorities: 0,
    additionals: 0,
  };
}

function bareTruncated(query: DnsQuery): Uint8Array {
  const { bytes } = errorAnswer(query, 0);
  bytes[2] = (bytes[2] ?? 0) | 0x02;
  return bytes;
}

function bytesOf(message: Uint8Array, span: RecordSpan): Uint8Array {
  return message.subarray(span.start, span.end);
}
