import { CodecError } from '../../core/values/index.js';
import { MAX_QUERY_BYTES, RecordType } from './dns-constants.js';
import { decodeEdns, type Edns } from './edns.codec.js';
import { decodeHeader, HEADER_BYTES, type DnsHeader } from './header.codec.js';
import { nameText } from './name.codec.js';
import { decodeQuestion, decodeRecordSpan, type DnsQuestion, type RecordSpan } from './record.codec.js';

/** A message with its header decoded; everything behind the header is as it came. */
export interface DnsMessage {
  readonly bytes: Uint8Array;
  readonly header: DnsHeader;
}

export interface DnsQuery extends DnsMessage {
  readonly question: DnsQuestion;
  /** The question's name as {@link nameText} writes it: what names are compared by. */
  readonly name: string;
  /** The question's bytes are those from 12 up to here. */
  readonly questionEnd: number;
  /** Undefined when the client does not speak EDNS. */
  readonly edns: Edns | undefined;
}

/** The position of every record of a message. */
export interface DnsSections {
  readonly questionsEnd: number;
  readonly answers: readonly RecordSpan[];
  readonly authorities: readonly RecordSpan[];
  readonly additionals: readonly RecordSpan[];
}

/**
 * Decodes a client's query strictly (https://www.rfc-editor.org/rfc/rfc1035#section-4.1): exactly one
 * question, at most one OPT record (https://www.rfc-editor.org/rfc/rfc6891#section-6.1.1), all records
 * complete and no bytes behind them.
 * @throws CodecError
 */
export function decodeQuery({ bytes, header }: DnsMessage): DnsQuery {
  if (bytes.length > MAX_QUERY_BYTES) {
    throw new CodecError('query', MAX_QUERY_BYTES, `has ${bytes.length} bytes, more than are accepted`);
  }
  if (header.questions !== 1) throw new CodecError('qdcount', 4, `is ${header.questions}, not 1`);
  const { question, end } = decodeQuestion(bytes, HEADER_BYTES);
  const { additionals } = decodeRecords(bytes, header, end);
  const [opt, second] = additionals.filter((record) => record.type === RecordType.opt);
  if (second !== undefined) throw new CodecError('OPT', second.start, 'occurs twice');
  return {
    bytes,
    header,
    question,
    name: nameText(question.name),
    questionEnd: end,
    edns: opt === undefined ? undefined : decodeEdns(bytes, opt),
  };
}

/** @throws CodecError when there are fewer bytes than a header has */
export function decodeMessage(bytes: Uint8Array): DnsMessage {
  return { bytes, header: decodeHeader(bytes) };
}

/** Walks over a whole message without decoding names and data. @throws CodecError also for trailing bytes */
export function decodeSections({ bytes, header }: DnsMessage): DnsSections {
  let end = HEADER_BYTES;
  for (let count = 0; count < header.questions; count++) end = decodeQuestion(bytes, end).end;
  return decodeRecords(bytes, header, end);
}

/** The same for an answer of an upstream, which may be malformed: then undefined. */
export function sectionsOf(answer: DnsMessage): DnsSections | undefined {
  try {
    return decodeSections(answer);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function decodeRecords(bytes: Uint8Array, header: DnsHeader, questionsEnd: number): DnsSections {
  let at = questionsEnd;
  // A record has at least eleven bytes, so a forged count ends at the end of the message, not in memory.
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
  if (at !== bytes.length) throw new CodecError('message', at, `has ${bytes.length - at} bytes left over`);
  return { questionsEnd, answers, authorities, additionals };
}

/**
 * The answer to a query that was sent with this id, given the query's own id again; undefined if the message
 * is something else. An answer is a response with the same id, opcode and question. Names compare without
 * case (https://www.rfc-editor.org/rfc/rfc4343#section-3), because some servers answer in their own; a client
 * that mixes case for safety (0x20) gets the bytes unchanged and checks them itself. An error answer may omit
 * the question.
 */
export function matchAnswer(query: DnsQuery, id: number, message: Uint8Array): DnsMessage | undefined {
  const [high = 0, low = 0] = message;
  if (message.length < HEADER_BYTES || ((high << 8) | low) !== id) return undefined;
  const answer = decodeMessage(withId(message, query.header.id));
  const { header } = answer;
  if (!header.isResponse || header.opcode !== query.header.opcode) return undefined;
  const isMatch =
    header.questions === 0 ? header.rcode !== 0 : header.questions === 1 && hasSameQuestion(query, message);
  return isMatch ? answer : undefined;
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

/** The length byte of a label is below 64, so it never looks like a letter. */
function folded(byte: number | undefined, isName: boolean): number | undefined {
  return isName && byte !== undefined && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** A copy with another id: the only change to a forwarded message. */
export function withId(message: Uint8Array, id: number): Uint8Array {
  // Not `slice`: on a Node Buffer that would be a view of the same memory.
  const copy = new Uint8Array(message);
  copy[0] = id >> 8;
  copy[1] = id & 0xff;
  return copy;
}
