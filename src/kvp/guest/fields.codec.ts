import { CodecError } from '../../core/values/index.js';
import { decodeBase64, encodeBase64 } from '../wire/base64.codec.js';
import { decodeUtf8 } from '../wire/text-field.codec.js';

/**
 * The body of a request to the guest, in a format that a POSIX shell can read: ASCII lines that end with LF,
 *
 *     KIND VERSION            for example "mobyvm-config 1"
 *     KEY BASE64              any number of times; base64 (RFC 4648 §4) of the value's bytes, may be empty
 *     end                     so that truncation is detected
 *
 * Readers ignore unknown keys; they are kept here.
 */
export interface Fields {
  /** `[a-z][a-z0-9-]{0,31}` */
  readonly kind: string;
  /** 1-999 */
  readonly version: number;
  readonly fields: readonly Field[];
}

export interface Field {
  /** `[a-z][a-z0-9-]{0,31}`; may occur several times. `end` is taken. */
  readonly key: string;
  readonly value: Uint8Array;
}

export const MAX_BODY_BYTES = 65_536;
const MAX_FIELDS = 256;
const END = 'end';

/** @throws CodecError for a kind, version or key that is not of the form above, or too much of it */
export function encodeFields({ kind, version, fields }: Fields): Uint8Array {
  checkKind(kind, version);
  const lines = fields.map(({ key, value }) => `${checkedKey(key)} ${encodeBase64(value)}\n`);
  const bytes = new TextEncoder().encode(`${kind} ${version}\n${lines.join('')}${END}\n`);
  checkSize(bytes.length, fields.length);
  return bytes;
}

/** @throws CodecError for anything that {@link encodeFields} would not write */
export function decodeFields(bytes: Uint8Array): Fields {
  checkSize(bytes.length, 0);
  const lines = decodeUtf8(bytes, 'body').split('\n');
  if (lines.length < 3 || lines.at(-1) !== '' || lines.at(-2) !== END) {
    throw new CodecError('body', bytes.length, 'has no last line "end"');
  }
  checkSize(bytes.length, lines.length - 3);
  const [kind = '', version = '', ...rest] = (lines[0] ?? '').split(' ');
  if (rest.length > 0 || !/^[1-9][0-9]{0,2}$/.test(version))
    throw new CodecError('version', 0, 'is malformed');
  checkKind(kind, Number(version));
  return { kind, version: Number(version), fields: lines.slice(1, -2).map(decodeField) };
}

export function utf8Field(key: string, text: string): Field {
  return { key, value: new TextEncoder().encode(text) };
}

/** The value of a key that may occur once. @throws CodecError when it occurs more often, or is not UTF-8 */
export function optionalText(fields: readonly Field[], key: string): string | undefined {
  const texts = listedTexts(fields, key);
  if (texts.length > 1) throw new CodecError(key, 0, 'occurs more than once');
  return texts[0];
}

/** @throws CodecError when the key does not occur exactly once, or is not UTF-8 */
export function requiredText(fields: readonly Field[], key: string): string {
  const text = optionalText(fields, key);
  if (text === undefined) throw new CodecError(key, 0, 'is missing');
  return text;
}

/** @throws CodecError when a value is not UTF-8 */
export function listedTexts(fields: readonly Field[], key: string): readonly string[] {
  return fields.filter((field) => field.key === key).map(({ value }) => decodeUtf8(value, key));
}

function decodeField(line: string): Field {
  const blank = line.indexOf(' ');
  if (blank < 0) throw new CodecError('field', 0, 'has no blank after its key');
  return {
    key: checkedKey(line.slice(0, blank)),
    value: decodeBase64(line.slice(blank + 1), line.slice(0, blank)),
  };
}

const WORD = /^[a-z][a-z0-9-]{0,31}$/;

function checkKind(kind: string, version: number): void {
  if (!WORD.test(kind)) throw new CodecError('kind', 0, 'is malformed');
  if (!Number.isInteger(version) || version < 1 || version > 999) {
    throw new CodecError('version', 0, `${version} is out of range`);
  }
}

function checkedKey(key: string): string {
  if (WORD.test(key) && key !== END) return key;
  throw new CodecError('key', 0, 'is malformed');
}

function checkSize(bytes: number, fields: number): void {
  if (bytes > MAX_BODY_BYTES) throw new CodecError('body', 0, `has more than ${MAX_BODY_BYTES} bytes`);
  if (fields > MAX_FIELDS) throw new CodecError('body', 0, `has more than ${MAX_FIELDS} fields`);
}
