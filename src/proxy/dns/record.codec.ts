import {
  ByteReader,
  ByteWriter,
  CodecError,
  ipv4FromBytes,
  ipv4ToBytes,
  type Ipv4,
} from '../../core/values/index.js';
import { RecordClass, RecordType } from './dns-constants.js';
import { decodeName, encodeName, skipName, type DnsName } from './name.codec.js';

/** A pointer to the question's name, right behind the header. */
export const QUESTION_NAME = Uint8Array.of(0xc0, 12);

export interface DnsQuestion {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
}

/** The position of a record in its message; its name and data are not decoded. */
export interface RecordSpan {
  readonly type: number;
  readonly class: number;
  /** Seconds; flags in an OPT record. */
  readonly ttl: number;
  /** Offsets into the message. */
  readonly start: number;
  readonly dataStart: number;
  readonly end: number;
}

/** Typed data for the record types that we read or write; raw bytes for all others. */
export type RecordData =
  | { readonly kind: 'a'; readonly address: Ipv4 }
  | { readonly kind: 'aaaa'; readonly address: Uint8Array }
  | { readonly kind: 'ptr'; readonly name: DnsName }
  | { readonly kind: 'soa'; readonly soa: Soa }
  | { readonly kind: 'other'; readonly type: number; readonly bytes: Uint8Array };

/** https://www.rfc-editor.org/rfc/rfc1035#section-3.3.13 */
export interface Soa {
  readonly primary: DnsName;
  readonly mailbox: DnsName;
  readonly serial: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  /** TTL of negative answers: https://www.rfc-editor.org/rfc/rfc2308#section-4 */
  readonly minimumSeconds: number;
}

/** `name type:u16 class:u16` (https://www.rfc-editor.org/rfc/rfc1035#section-4.1.2). @throws CodecError */
export function decodeQuestion(
  message: Uint8Array,
  offset: number,
): { readonly question: DnsQuestion; readonly end: number } {
  const { name, end } = decodeName(message, offset, 'qname');
  const reader = readerAt(message, end, 4, 'question');
  return { question: { name, type: reader.u16('qtype'), class: reader.u16('qclass') }, end: end + 4 };
}

export function encodeQuestion(question: DnsQuestion): Uint8Array {
  return new ByteWriter().put(encodeName(question.name)).u16(question.type).u16(question.class).done();
}

/**
 * `name type:u16 class:u16 ttl:u32 rdlength:u16 rdata`
 * (https://www.rfc-editor.org/rfc/rfc1035#section-4.1.3).
 * @throws CodecError
 */
export function decodeRecordSpan(message: Uint8Array, offset: number): RecordSpan {
  const fixed = skipName(message, offset, 'record name');
  const reader = readerAt(message, fixed, 10, 'record');
  const type = reader.u16('type');
  const recordClass = reader.u16('class');
  const ttl = reader.u32('ttl');
  const length = reader.u16('rdlength');
  const dataStart = fixed + 10;
  if (dataStart + length > message.length) {
    throw new CodecError('rdata', dataStart, `needs ${length} bytes, ${message.length - dataStart} left`);
  }
  return { type, class: recordClass, ttl, start: offset, dataStart, end: dataStart + length };
}

/** Decodes a record's data, in which names may point into the message. @throws CodecError */
export function decodeRecordData(message: Uint8Array, span: RecordSpan): RecordData {
  const bytes = message.slice(span.dataStart, span.end);
  switch (span.class === RecordClass.internet ? span.type : undefined) {
    case RecordType.a:
      exactLength(bytes, 4, span);
      return { kind: 'a', address: ipv4FromBytes(bytes) };
    case RecordType.aaaa:
      exactLength(bytes, 16, span);
      return { kind: 'aaaa', address: bytes };
    case RecordType.ptr: {
      const { name, end } = decodeName(message, span.dataStart, 'ptrdname');
      exactEnd(end, span);
      return { kind: 'ptr', name };
    }
    case RecordType.soa:
      return { kind: 'soa', soa: decodeSoa(message, span) };
    default:
      return { kind: 'other', type: span.type, bytes };
  }
}

/** Encodes a record of class IN. @param name in wire form: {@link encodeName}, or a pointer to one */
export function encodeRecord(name: Uint8Array, ttlSeconds: number, data: RecordData): Uint8Array {
  const bytes = encodeData(data);
  const type = data.kind === 'other' ? data.type : RecordType[data.kind];
  const writer = new ByteWriter().put(name).u16(type).u16(RecordClass.internet).u32(ttlSeconds);
  return writer.u16(bytes.length).put(bytes).done();
}

function encodeData(data: RecordData): Uint8Array {
  switch (data.kind) {
    case 'a':
      return ipv4ToBytes(data.address);
    case 'aaaa':
      return data.address;
    case 'ptr':
      return encodeName(data.name);
    case 'soa': {
      const { soa } = data;
      const writer = new ByteWriter().put(encodeName(soa.primary)).put(encodeName(soa.mailbox));
      const times = [soa.refreshSeconds, soa.retrySeconds, soa.expireSeconds, soa.minimumSeconds];
      for (const value of [soa.serial, ...times]) writer.u32(value);
      return writer.done();
    }
    case 'other':
      return data.bytes;
  }
}

function decodeSoa(message: Uint8Array, span: RecordSpan): Soa {
  const primary = decodeName(message, span.dataStart, 'mname');
  const mailbox = decodeName(message, primary.end, 'rname');
  exactEnd(mailbox.end + 20, span);
  const reader = readerAt(message, mailbox.end, 20, 'soa');
  return {
    primary: primary.name,
    mailbox: mailbox.name,
    serial: reader.u32('serial'),
    refreshSeconds: reader.u32('refresh'),
    retrySeconds: reader.u32('retry'),
    expireSeconds: reader.u32('expire'),
    minimumSeconds: reader.u32('minimum'),
  };
}

function exactLength(bytes: Uint8Array, length: number, span: RecordSpan): void {
  if (bytes.length !== length) {
    throw new CodecError('rdata', span.dataStart, `has ${bytes.length} bytes instead of ${length}`);
  }
}

function exactEnd(end: number, span: RecordSpan): void {
  if (end !== span.end) throw new CodecError('rdata', span.dataStart, 'does not have the length in rdlength');
}

/** Checks the length here, so that an error has the offset in the whole message. */
function readerAt(message: Uint8Array, offset: number, length: number, field: string): ByteReader {
  if (offset + length > message.length) {
    throw new CodecError(field, offset, `needs ${length} bytes, ${message.length - offset} left`);
  }
  return new ByteReader(message.subarray(offset, offset + length));
}
