import { CodecError } from '../../core/values/index.js';
import { errorAnswer, headerOnlyAnswer } from './answer.plan.js';
import { Rcode, RecordType } from './dns-constants.js';
import { HEADER_BYTES } from './header.codec.js';
import { answerLocally, type LocalZone } from './local-names.plan.js';
import { decodeMessage, decodeQuery, type DnsMessage, type DnsQuery } from './message.codec.js';

export type QueryDecision =
  /** It cannot be answered, or must not be. */
  | { readonly kind: 'drop'; readonly reason: 'too-short' | 'not-a-query' }
  /** `query` is undefined if only the header could be read. */
  | { readonly kind: 'answer'; readonly answer: DnsMessage; readonly query: DnsQuery | undefined }
  | { readonly kind: 'forward'; readonly query: DnsQuery };

/**
 * Decides what to do with a client's packet. A response is never answered: two servers could loop forever.
 */
export function planQuery(bytes: Uint8Array, zone: LocalZone): QueryDecision {
  if (bytes.length < HEADER_BYTES) return { kind: 'drop', reason: 'too-short' };
  const message = decodeMessage(bytes);
  const { header } = message;
  if (header.isResponse) return { kind: 'drop', reason: 'not-a-query' };
  if (header.opcode !== 0) {
    return { kind: 'answer', answer: headerOnlyAnswer(header, Rcode.notImplemented), query: undefined };
  }
  const query = queryOf(message);
  if (query === undefined) {
    return { kind: 'answer', answer: headerOnlyAnswer(header, Rcode.formatError), query };
  }
  return planWellFormed(query, zone);
}

function planWellFormed(query: DnsQuery, zone: LocalZone): QueryDecision {
  const { type } = query.question;
  // A zone transfer is many messages on one connection, which no forwarder passes on.
  if (type === RecordType.axfr || type === RecordType.ixfr) {
    return { kind: 'answer', answer: errorAnswer(query, Rcode.refused), query };
  }
  const answer = answerLocally(query, zone);
  return answer === undefined ? { kind: 'forward', query } : { kind: 'answer', answer, query };
}

function queryOf(message: DnsMessage): DnsQuery | undefined {
  try {
    return decodeQuery(message);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
