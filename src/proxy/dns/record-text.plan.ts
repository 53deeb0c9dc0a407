import { ByteReader, CodecError, formatIpv6, ipv4FromBytes } from '../../core/values/index.js';
import { RecordType } from './dns-constants.js';
import type { DnsMessage } from './message.codec.js';
import { decodeName, type DnsName } from './name.codec.js';
import type { RecordSpan } from './record.codec.js';

/** Names of types, as in https://www.iana.org/assignments/dns-parameters */
const TYPES: Readonly<Record<string, number>> = {
  A: RecordType.a,
  NS: 2,
  CNAME: 5,
  SOA: RecordType.soa,
  PTR: RecordType.ptr,
  HINFO: RecordType.hinfo,
  MX: 15,
  TXT: 16,
  AAAA: RecordType.aaaa,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  SVCB: RecordType.svcb,
  HTTPS: RecordType.https,
  IXFR: RecordType.ixfr,
  AXFR: RecordType.axfr,
  ANY: RecordType.any,
  CAA: 257,
};

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

export interface RecordText {
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  readonly data: string;
}

/** `MX`, `mx` or `TYPE15`; undefined for anything else. */
export function parseType(text: string): number | undefined {
  const upper = text.toUpperCase();
  const known = Object.hasOwn(TYPES, upper) ? TYPES[upper] : undefined;
  const number = known ?? Number(/^TYPE(\d{1,5})$/.exec(upper)?.[1]);
  return number >= 1 && number <= 0xffff ? number : undefined;
}

/** Types without a name as in https://www.rfc-editor.org/rfc/rfc3597#section-5 */
export function typeText(type: number): string {
  return Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? `TYPE${type}`;
}

export function rcodeText(rcode: number): string {
  return RCODES[rcode] ?? `RCODE${rcode}`;
}

/** A record as in a zone file (https://www.rfc-editor.org/rfc/rfc1035#section-5.1). @throws CodecError */
export function recordText({ bytes }: DnsMessage, span: RecordSpan): RecordText {
  return {
    name: absolute(decodeName(bytes, span.start, 'record name').name),
    ttl: span.ttl,
    type: typeText(span.type),
    data: dataText(bytes, span),
  };
}

function dataText(bytes: Uint8Array, span: RecordSpan): string {
  const data = bytes.slice(span.dataStart, span.end);
  const reader = new ByteReader(data);
  const nameAt = (offset: number): string =>
    absolute(decodeName(bytes, span.dataStart + offset, 'rdata').name);
  switch (typeText(span.type)) {
    case 'A':
      return data.length === 4 ? ipv4FromBytes(data) : genericText(data);
    case 'AAAA':
      return data.length === 16 ? formatIpv6(data) : genericText(data);
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return nameAt(0);
    case 'MX':
      return `${reader.u16('preference')} ${nameAt(2)}`;
    case 'SRV':
      return `${reader.u16('priority')} ${reader.u16('weight')} ${reader.u16('port')} ${nameAt(6)}`;
    case 'TXT':
    case 'HINFO':
      return stringsText(reader);
    case 'SOA':
      return soaText(bytes, span);
    default:
      return genericText(data);
  }
}

function soaText(bytes: Uint8Array, span: RecordSpan): string {
  const primary = decodeName(bytes, span.dataStart, 'mname');
  const mailbox = decodeName(bytes, primary.end, 'rname');
  if (mailbox.end + 20 !== span.end) throw new CodecError('rdata', span.dataStart, 'is not an SOA');
  const reader = new ByteReader(bytes.subarray(mailbox.end, span.end));
  const numbers = ['serial', 'refresh', 'retry', 'expire', 'minimum'].map((field) => reader.u32(field));
  return [absolute(primary.name), absolute(mailbox.name), ...numbers].join(' ');
}

function stringsText(reader: ByteReader): string {
  const strings: string[] = [];
  while (reader.remaining > 0) strings.push(quoted(reader.take(reader.u8('length'), 'string')));
  return strings.join(' ');
}

function quoted(bytes: Uint8Array): string {
  return `"${[...bytes].map((byte) => escaped(byte, '"\\')).join('')}"`;
}

function absolute(name: DnsName): string {
  return `${name.map((label) => [...label].map((byte) => escaped(byte, '."\\ ;()@$')).join('')).join('.')}.`;
}

/** Printable ASCII, with a backslash where it has a meaning; everything else as `\DDD`: safe for a terminal. */
function escaped(byte: number, special: string): string {
  const character = String.fromCharCode(byte);
  if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
  return special.includes(character) ? `\\${character}` : character;
}

function genericText(data: Uint8Array): string {
  const hex = [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `\\# ${data.length}${hex === '' ? '' : ` ${hex}`}`;
}
