import { ByteWriter, CodecError } from '../../core/values/index.js';

/** RFC 1035 §2.3.4 */
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;
const POINTER = 0xc0;

/** A domain name as its labels' raw bytes, without the root's empty one. Case is kept as it came. */
export type DnsName = readonly Uint8Array[];

export interface DecodedName {
  readonly name: DnsName;
  /** Offset of what follows the name where it stands; what a pointer leads to does not count. */
  readonly end: number;
}

/**
 * Decodes the name at `offset` of a whole message: labels `length:u8 bytes…`, ended by a zero or by a pointer
 * `11:2 offset:14` to an earlier place (RFC 1035 §4.1.4). Each pointer must lead to before the place from which we read so far,
 * so that every chain of them ends.
 * @throws CodecError for a pointer forward or to itself, a reserved label type, a name over 255 bytes
 */
export function decodeName(message: Uint8Array, offset: number, field: string): DecodedName {
  const name: Uint8Array[] = [];
  let at = offset;
  let segmentStart = offset;
  let end: number | undefined;
  let nameBytes = 1;
  for (;;) {
    const length = byteAt(message, at, field);
    if ((length & POINTER) === POINTER) {
      const target = ((length & ~POINTER) << 8) | byteAt(message, at + 1, field);
      if (target >= segmentStart) throw new CodecError(field, at, `points forward, to byte ${target}`);
      end ??= at + 2;
      at = target;
      segmentStart = target;
      continue;
    }
    if (length > MAX_LABEL_BYTES) throw new CodecError(field, at, 'has a label of a reserved type');
    if (length === 0) return { name, end: end ?? at + 1 };
    nameBytes += length + 1;
    if (nameBytes > MAX_NAME_BYTES) throw new CodecError(field, offset, 'is over 255 bytes');
    if (at + length >= message.length) throw new CodecError(field, at, `label of ${length} bytes is cut off`);
    name.push(message.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/** The offset behind the name at `offset`, without following a pointer: for walking over records. @throws CodecError */
export function skipName(message: Uint8Array, offset: number, field: string): number {
  for (let at = offset; ;) {
    const length = byteAt(message, at, field);
    if ((length & POINTER) === POINTER) {
      byteAt(message, at + 1, field);
      return at + 2;
    }
    if (length > MAX_LABEL_BYTES) throw new CodecError(field, at, 'has a label of a reserved type');
    at += 1 + length;
    if (length === 0) return at;
    if (at - offset > MAX_NAME_BYTES) throw new CodecError(field, offset, 'is over 255 bytes');
  }
}

/** @throws CodecError for an empty label, one over 63 bytes, a name over 255 */
export function encodeName(name: DnsName): Uint8Array {
  const writer = new ByteWriter();
  for (const label of name) {
    if (label.length === 0 || label.length > MAX_LABEL_BYTES) {
      throw new CodecError('label', writer.length, `has ${label.length} bytes instead of 1 to 63`);
    }
    writer.u8(label.length).put(label);
  }
  writer.u8(0);
  if (writer.length > MAX_NAME_BYTES) throw new CodecError('name', 0, `has ${writer.length} bytes`);
  return writer.done();
}

/** For `host.docker.internal`; a dot at the end is fine. Has no escapes: for our own names. @throws CodecError */
export function parseName(text: string): DnsName {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  return bare === '' ? [] : bare.split('.').map((label) => new TextEncoder().encode(label));
}

/**
 * Dotted text without the last dot, in lower case because names compare that way (RFC 4343 §3); bytes that are not
 * plain characters as `\DDD` (RFC 1035 §5.1), so that a dot inside a label is not taken for one between labels.
 */
export function nameText(name: DnsName): string {
  return name.map((label) => [...label].map(characterText).join('')).join('.');
}

function characterText(byte: number): string {
  const character = String.fromCharCode(byte);
  return /^[\w*-]$/.test(character) ? character.toLowerCase() : `\\${String(byte).padStart(3, '0')}`;
}

function byteAt(message: Uint8Array, at: number, field: string): number {
  const byte = message[at];
  if (byte === undefined) throw new CodecError(field, at, 'the message ends here');
  return byte;
}
