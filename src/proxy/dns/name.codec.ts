import { ByteWriter, CodecError } from '../../core/values/index.js';

/** https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;
const POINTER = 0xc0;

/** A domain name as its labels' raw bytes, without the root's empty one. Case is kept as it came. */
export type DnsName = readonly Uint8Array[];

export interface DecodedName {
  readonly name: DnsName;
  /** Offset of the first byte behind the name, or behind the first pointer in it. */
  readonly end: number;
}

/**
 * Decodes the name at `offset` of a whole message: labels `length:u8 bytes…`, ended by a zero or by a pointer
 * `11:2 offset:14` to earlier bytes (https://www.rfc-editor.org/rfc/rfc1035#section-4.1.4). Each pointer must
 * lead to before the start of the segment that it ends, so that every chain of pointers is finite.
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

/**
 * The offset behind the name at `offset`, without following pointers: for walking over records.
 * @throws CodecError
 */
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

/** Parses `host.docker.internal`, with or without a trailing dot. Knows no escapes: for our own names. */
export function parseName(text: string): DnsName {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  return bare === '' ? [] : bare.split('.').map((label) => new TextEncoder().encode(label));
}

/**
 * Dotted text without the trailing dot, in lower case because names compare without case
 * (https://www.rfc-editor.org/rfc/rfc4343#section-3). Bytes other than letters, digits, `-`, `_` and `*` are
 * written as `\DDD` (https://www.rfc-editor.org/rfc/rfc1035#section-5.1), so that a dot inside a label
 * differs from one between labels.
 */
export function nameText(name: DnsName): string {
  return name.map(labelText).join('.');
}

function labelText(label: Uint8Array): string {
  let text = '';
  for (const byte of label) text += CHARACTERS[byte] ?? '';
  return text;
}

/** The text of each byte. */
const CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /^[\w*-]$/.test(character) ? character.toLowerCase() : `\\${String(byte).padStart(3, '0')}`;
});

function byteAt(message: Uint8Array, at: number, field: string): number {
  const byte = message[at];
  if (byte === undefined) throw new CodecError(field, at, 'the message ends here');
  return byte;
}
