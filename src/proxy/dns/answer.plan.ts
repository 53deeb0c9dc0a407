import { ByteWriter, CodecError } from '../../core/values/index.js';
import { MAX_UDP_BYTES, MIN_UDP_BYTES, RecordType } from './dns-constants.js';
import { encodeEdns, type EdnsOption } from './edns.codec.js';
import { encodeHeader, HEADER_BYTES, type DnsHeader } from './header.codec.js';
import { decodeLayout, type DnsLayout, type DnsQuery } from './message.codec.js';
import type { RecordSpan } from './record.codec.js';

/** What our own EDNS answers offer: fits every Ethernet without fragments. */
const OUR_UDP_BYTES = 1_232;

export interface OwnAnswer {
  /** May be over 15 when the client speaks EDNS. */
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  /** Encoded records whose names may point to the question's at byte 12. */
  readonly answers: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
  readonly option?: EdnsOption;
}

/** An answer that we make ourselves: the question's bytes as they came, an OPT record if the query had one (RFC 6891 §6.1.1). */
export function ownAnswer(query: DnsQuery, answer: OwnAnswer): Uint8Array {
  const { edns, header, questionEnd, bytes } = query;
  const writer = new ByteWriter().put(
    encodeHeader({
      ...responseHeader(header),
      rcode: answer.rcode & 0xf,
      isAuthoritative: answer.isAuthoritative,
      questions: 1,
      answers: answer.answers.length,
      authorities: answer.authorities.length,
      additionals: edns === undefined ? 0 : 1,
    }),
  );
  writer.put(bytes.subarray(HEADER_BYTES, questionEnd));
  for (const record of [...answer.answers, ...answer.authorities]) writer.put(record);
  if (edns !== undefined) {
    const options = answer.option === undefined ? [] : [answer.option];
    const { dnssecOk } = edns;
    writer.put(
      encodeEdns({
        ...{ udpBytes: OUR_UDP_BYTES, version: 0, dnssecOk, options },
        extendedRcode: answer.rcode >> 4,
      }),
    );
  }
  return writer.done();
}

/** An answer without records. */
export function errorAnswer(query: DnsQuery, rcode: number, option?: EdnsOption): Uint8Array {
  return ownAnswer(query, {
    ...{ rcode, isAuthoritative: false, answers: [], authorities: [] },
    ...(option === undefined ? {} : { option }),
  });
}

/** An answer to something of which only the header could be read. */
export function headerOnlyAnswer(header: DnsHeader, rcode: number): Uint8Array {
  return encodeHeader({ ...responseHeader(header), rcode });
}

/** How many bytes the client takes over UDP: RFC 6891 §6.2.3, without EDNS 512 (RFC 1035 §4.2.1). */
export function udpLimitOf(query: DnsQuery): number {
  return Math.min(MAX_UDP_BYTES, Math.max(MIN_UDP_BYTES, query.edns?.udpBytes ?? 0));
}

/**
 * The answer itself if it fits, else its first records, as many as fit, with TC set, so that the client asks again
 * over TCP (RFC 2181 §9). Whole answer records are kept because resolvers without TCP (musl before 1.2.4) use what
 * they get; names only ever point backwards, so a cut between records is safe. OPT stays (RFC 6891 §7).
 */
export function fitToUdp(answer: Uint8Array, query: DnsQuery): Uint8Array {
  const limitBytes = udpLimitOf(query);
  if (answer.length <= limitBytes) return answer;
  const layout = layoutOf(answer);
  if (layout === undefined) {
    const cut = ownAnswer(query, { rcode: 0, isAuthoritative: false, answers: [], authorities: [] });
    return truncated(cut);
  }
  const opt = layout.additionals.find((record) => record.type === RecordType.opt);
  const optBytes = opt === undefined ? 0 : opt.end - opt.start;
  const kept = layout.answers.filter((record) => record.end + optBytes <= limitBytes);
  const bodyEnd = kept.at(-1)?.end ?? layout.questionsEnd;
  const header = encodeHeader({
    ...layout.header,
    isTruncated: true,
    answers: kept.length,
    authorities: 0,
    additionals: opt === undefined ? 0 : 1,
  });
  const writer = new ByteWriter().put(header).put(answer.subarray(HEADER_BYTES, bodyEnd));
  return writer.put(opt === undefined ? new Uint8Array() : bytesOf(answer, opt)).done();
}

function responseHeader(header: DnsHeader): DnsHeader {
  return {
    ...header,
    ...{ isResponse: true, isAuthoritative: false, isTruncated: false, recursionAvailable: true },
    ...{ z: false, authenticData: false, rcode: 0 },
    ...{ questions: 0, answers: 0, authorities: 0, additionals: 0 },
  };
}

/** Undefined for what an upstream garbled: it goes on as a bare TC, and over TCP as it is. */
function layoutOf(answer: Uint8Array): DnsLayout | undefined {
  try {
    return decodeLayout(answer);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function bytesOf(message: Uint8Array, span: RecordSpan): Uint8Array {
  return message.subarray(span.start, span.end);
}

function truncated(answer: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(answer);
  copy[2] = (copy[2] ?? 0) | 0x02;
  return copy;
}
