import { CodecError } from '../../core/values/index.js';
import { errorAnswer, headerOnlyAnswer } from './answer.plan.js';
import { Rcode, RecordType } from './dns-constants.js';
import { decodeHeader, HEADER_BYTES, type DnsHeader } from './header.codec.js';
import { answerLocally, type LocalZone } from './local-names.plan.js';
import { decodeQuery, type DnsQuery } from './message.codec.js';

export type QueryDecision =
  /** Nothing can be answered to it, or answering would be wrong. */
  | { readonly kind: 'drop'; readonly reason: 'too-short' | 'not-a-query' }
  /** `query` is undefined when only the header could be read. */
  | { readonly kind: 'answer'; readonly answer: Uint8Array; readonly query: DnsQuery | undefined }
  | { readonly kind: 'forward'; readonly query: DnsQuery };

/** What happens with the bytes that a client sent. A response is never answered: two servers would play ping-pong. */
export function planQuery(bytes: Uint8Array, zone: LocalZone): QueryDecision {
  if (bytes.length < HEADER_BYTES) return { kind: 'drop', reason: 'too-short' };
  const header = decodeHeader(bytes);
  if (header.isResponse) return { kind: 'drop', reason: 'not-a-query' };
  if (header.opcode !== 0) {
    return { kind: 'answer', answer: headerOnlyAnswer(header, Rcode.notImplemented), query: undefined };
  }
  const query = queryOf(bytes);
  return query === undefined ? formatError(header) : planWellFormed(query, zone);
}

function planWellFormed(query: DnsQuery, zone: LocalZone): QueryDecision {
  const { type } = query.question;
  // A zone transfer is many messages on one connection: no forwarder does that.
  if (type === RecordType.axfr || type === RecordType.ixfr) {
    return { kind: 'answer', answer: errorAnswer(query, Rcode.refused), query };
  }
  const answer = answerLocally(query, zone);
  return answer === undefined ? { kind: 'forward', query } : { kind: 'answer', answer, query };
}

function formatError(header: DnsHeader): QueryDecision {
  return { kind: 'answer', answer: headerOnlyAnswer(header, Rcode.formatError), query: undefined };
}

function queryOf(bytes: Uint8Array): DnsQuery | undefined {
  try {
    return decodeQuery(bytes);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
