import { CodecError } from '../../core/values/index.js';
import { errorAnswer, headerOnlyAnswer, ownAnswer } from './answer.plan.js';
import { Rcode, RecordType } from './dns-constants.js';
import { HEADER_BYTES } from './header.codec.js';
import { answerLocally } from './local-answer.plan.js';
import type { LocalRule, LocalZone } from './local-zone.plan.js';
import { encodeRecord, QUESTION_NAME } from './record.codec.js';
import { decodeMessage, decodeQuery, type DnsMessage, type DnsQuery } from './message.codec.js';

export type QueryDecision =
  /** It cannot be answered, or must not be. */
  | { readonly kind: 'drop'; readonly reason: 'too-short' | 'not-a-query' }
  /** `query` is undefined if only the header could be read. */
  | {
      readonly kind: 'answer';
      readonly answer: DnsMessage;
      readonly query: DnsQuery | undefined;
      readonly rule: AnswerRule;
    }
  | { readonly kind: 'forward'; readonly query: DnsQuery };

/** Why a query is answered without asking an upstream. */
export type AnswerRule = LocalRule | 'malformed' | 'zone transfer' | 'any';

/** As https://www.rfc-editor.org/rfc/rfc8482#section-4.2 recommends. */
const ANY_TTL_SECONDS = 3_600;

/**
 * Decides what to do with a client's packet. A response is never answered: two servers could loop forever.
 */
export function planQuery(bytes: Uint8Array, zone: LocalZone): QueryDecision {
  if (bytes.length < HEADER_BYTES) return { kind: 'drop', reason: 'too-short' };
  const message = decodeMessage(bytes);
  const { header } = message;
  if (header.isResponse) return { kind: 'drop', reason: 'not-a-query' };
  if (header.opcode !== 0) {
    return {
      kind: 'answer',
      answer: headerOnlyAnswer(header, Rcode.notImplemented),
      query: undefined,
      rule: 'malformed',
    };
  }
  const query = queryOf(message);
  if (query === undefined) {
    return { kind: 'answer', answer: headerOnlyAnswer(header, Rcode.formatError), query, rule: 'malformed' };
  }
  return planWellFormed(query, zone);
}

function planWellFormed(query: DnsQuery, zone: LocalZone): QueryDecision {
  const { type } = query.question;
  // A zone transfer is many messages on one connection, which no forwarder passes on.
  if (type === RecordType.axfr || type === RecordType.ixfr) {
    return { kind: 'answer', answer: errorAnswer(query, Rcode.refused), query, rule: 'zone transfer' };
  }
  const local = answerLocally(query, zone);
  if (local !== undefined) return { kind: 'answer', query, ...local };
  return type === RecordType.any
    ? { kind: 'answer', answer: anyAnswer(query), query, rule: 'any' }
    : { kind: 'forward', query };
}

/**
 * A question for all types is answered with a HINFO record that says why there is nothing else
 * (https://www.rfc-editor.org/rfc/rfc8482#section-4.2): real answers are large, and are mostly wanted by
 * attackers, who have them sent to a victim.
 */
function anyAnswer(query: DnsQuery): DnsMessage {
  const cpu = new TextEncoder().encode('RFC8482');
  const bytes = Uint8Array.of(cpu.length, ...cpu, 0);
  const record = encodeRecord(QUESTION_NAME, ANY_TTL_SECONDS, {
    kind: 'other',
    type: RecordType.hinfo,
    bytes,
  });
  return ownAnswer(query, {
    rcode: Rcode.noError,
    isAuthoritative: false,
    answers: [record],
    authorities: [],
  });
}

function queryOf(message: DnsMessage): DnsQuery | undefined {
  try {
    return decodeQuery(message);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
