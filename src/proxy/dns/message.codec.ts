import { CodecError } from '../../core/values/index.js';
import { MAX_QUERY_BYTES, RecordType } from './dns-constants.js';
import { decodeEdns, type Edns } from './edns.codec.js';
import { decodeHeader, HEADER_BYTES, type DnsHeader } from './header.codec.js';
import { decodeQuestion, decodeRecordSpan, type DnsQuestion, type RecordSpan } from './record.codec.js';

export interface DnsQuery {
  /** The whole query as it came. */
  readonly bytes: Uint8Array;
  readonly header: DnsHeader;
  readonly question: DnsQuestion;
  /** The question's bytes stand from 12 up to here. */
  readonly questionEnd: number;
  /** Undefined when the client does not speak EDNS. */
  readonly edns: Edns | undefined;
}

/** Where everything stands in an answer. */
export interface DnsLayout {
  readonly header: DnsHeader;
  readonly questionsEnd: number;
  readonly answers: readonly RecordSpan[];
  readonly authorities: readonly RecordSpan[];
  readonly additionals: readonly RecordSpan[];
}

/**
 * Decodes a client's query strictly: RFC 1035 §4.1 with exactly one question, at most one OPT record (RFC 6891
 * §6.1.1), all of its records whole, and nothing behind them.
 * @throws CodecError
 */
export function decodeQuery(bytes: Uint8Array): DnsQuery {
  if (bytes.length > MAX_QUERY_BYTES) {
    throw new CodecError('query', MAX_QUERY_BYTES, `has ${bytes.length} bytes, more than we accept`);
  }
  const header = decodeHeader(bytes);
  if (header.questions !== 1) throw new CodecError('qdcount', 4, `is ${header.questions}, not 1`);
  const { question, end } = decodeQuestion(bytes, HEADER_BYTES);
  const layout = decodeLayout(bytes);
  const opts = layout.additionals.filter((record) => record.type === RecordType.opt);
  if (opts.length > 1) throw new CodecError('OPT', opts[1]?.start ?? 0, 'is there twice');
  const edns = opts[0] === undefined ? undefined : decodeEdns(bytes, opts[0]);
  return { bytes, header, question, questionEnd: end, edns };
}

/** Walks over a whole message without decoding names and data. @throws CodecError also for bytes left over */
export function decodeLayout(bytes: Uint8Array): DnsLayout {
  const header = decodeHeader(bytes);
  let at = HEADER_BYTES;
  for (let count = 0; count < header.questions; count++) at = decodeQuestion(bytes, at).end;
  const questionsEnd = at;
  // A record takes at least eleven bytes, so a false count fails at the message's end, not in memory.
  const records = (count: number): readonly RecordSpan[] => {
    const spans: RecordSpan[] = [];
    while (spans.length < count) {
      const span = decodeRecordSpan(bytes, at);
      spans.push(span);
      at = span.end;
    }
    return spans;
  };
  const answers = records(header.answers);
  const authorities = records(header.authorities);
  const additionals = records(header.additionals);
  if (at !== bytes.length) throw new CodecError('message', at, `${bytes.length - at} bytes left over`);
  return { header, questionsEnd, answers, authorities, additionals };
}

/**
 * Whether `answer` is one to `query`: a response with this id, the same opcode and the same question. Names compare without case
 * (RFC 4343 §3), because some servers answer in their own; the client that mixes case to be safe (0x20) gets the
 * answer's bytes as they are and checks them itself. An error answer may have left the question out.
 */
export function isAnswerTo(query: DnsQuery, id: number, answer: Uint8Array): boolean {
  if (answer.length < HEADER_BYTES) return false;
  const header = decodeHeader(answer);
  if (!header.isResponse || header.id !== id || header.opcode !== query.header.opcode) return false;
  if (header.questions === 0) return header.rcode !== 0 && answer.length >= HEADER_BYTES;
  return header.questions === 1 && hasSameQuestion(query, answer);
}

function hasSameQuestion(query: DnsQuery, answer: Uint8Array): boolean {
  const { bytes, questionEnd } = query;
  if (answer.length < questionEnd) return false;
  for (let at = HEADER_BYTES; at < questionEnd; at++) {
    const isName = at < questionEnd - 4;
    if (folded(bytes[at], isName) !== folded(answer[at], isName)) return false;
  }
  return true;
}

/** Lengths of labels are under 64 and so never look like a letter. */
function folded(byte: number | undefined, isName: boolean): number | undefined {
  return isName && byte !== undefined && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** A copy with another id: the only change to what is forwarded. */
export function withId(message: Uint8Array, id: number): Uint8Array {
  // Not `slice`: of a Node Buffer that would be the same memory.
  const copy = Uint8Array.from(message);
  new DataView(copy.buffer).setUint16(0, id);
  return copy;
}
