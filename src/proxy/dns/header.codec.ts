import { ByteReader, ByteWriter } from '../../core/values/index.js';

export const HEADER_BYTES = 12;

export interface DnsHeader {
  readonly id: number;
  readonly isResponse: boolean;
  /** 0 is a standard query. */
  readonly opcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  /** Reserved, should be zero; preserved. */
  readonly z: boolean;
  /** https://www.rfc-editor.org/rfc/rfc4035#section-3.2.3 */
  readonly authenticData: boolean;
  /** https://www.rfc-editor.org/rfc/rfc4035#section-3.2.2 */
  readonly checkingDisabled: boolean;
  /** The lower four bits; the upper ones are in the OPT record. */
  readonly rcode: number;
  readonly questions: number;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
}

/**
 * Decodes the first 12 bytes of a message (https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1):
 *
 *     id:u16  QR:1 opcode:4 AA:1 TC:1 RD:1 RA:1 Z:1 AD:1 CD:1 rcode:4
 *     qdcount:u16 ancount:u16 nscount:u16 arcount:u16
 *
 * @throws CodecError for a shorter message
 */
export function decodeHeader(message: Uint8Array): DnsHeader {
  const reader = new ByteReader(message);
  const id = reader.u16('id');
  const flags = reader.u16('flags');
  const has = (bit: number): boolean => (flags & bit) !== 0;
  return {
    id,
    isResponse: has(0x8000),
    opcode: (flags >> 11) & 0xf,
    isAuthoritative: has(0x0400),
    isTruncated: has(0x0200),
    recursionDesired: has(0x0100),
    recursionAvailable: has(0x0080),
    z: has(0x0040),
    authenticData: has(0x0020),
    checkingDisabled: has(0x0010),
    rcode: flags & 0xf,
    questions: reader.u16('qdcount'),
    answers: reader.u16('ancount'),
    authorities: reader.u16('nscount'),
    additionals: reader.u16('arcount'),
  };
}

export function encodeHeader(header: DnsHeader): Uint8Array {
  const bit = (isSet: boolean, value: number): number => (isSet ? value : 0);
  const flags =
    bit(header.isResponse, 0x8000) |
    ((header.opcode & 0xf) << 11) |
    bit(header.isAuthoritative, 0x0400) |
    bit(header.isTruncated, 0x0200) |
    bit(header.recursionDesired, 0x0100) |
    bit(header.recursionAvailable, 0x0080) |
    bit(header.z, 0x0040) |
    bit(header.authenticData, 0x0020) |
    bit(header.checkingDisabled, 0x0010) |
    (header.rcode & 0xf);
  return new ByteWriter()
    .u16(header.id)
    .u16(flags)
    .u16(header.questions)
    .u16(header.answers)
    .u16(header.authorities)
    .u16(header.additionals)
    .done();
}
