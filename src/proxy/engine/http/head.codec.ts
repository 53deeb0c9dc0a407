import { CodecError } from '../../../core/values/index.js';

/**
 * A field as received (RFC 9112 §5, https://www.rfc-editor.org/rfc/rfc9112#section-5), with its name in lower
 * case.
 */
export interface HeaderField {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
}

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** As received, such as `HTTP/1.1`. */
  readonly version: string;
  readonly fields: readonly HeaderField[];
}

export interface ResponseHead {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly HeaderField[];
}

/** Limit of a head in bytes, including its empty line. */
export const MAX_HEAD_BYTES = 64 * 1024;
const MAX_FIELDS = 200;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`(${TOKEN}) ([\\x21-\\x7e\\x80-\\xff]+) (HTTP/\\d\\.\\d)\\r\\n`, 'y');
const STATUS_LINE = /(HTTP\/1\.\d) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/y;
const FIELD_LINE = new RegExp(`(${TOKEN}):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*)\\r\\n`, 'y');
const METHOD_SO_FAR = new RegExp(`^${TOKEN}( |$)`);
const BARE_LINE_END = /[^\r]\n|\r[^\n]/;

/**
 * Decodes the head of a request, from the request line to the empty line. Lines must end in CRLF and fields
 * must not be folded, because readers of a looser head may disagree on where it ends: RFC 9112 §11.2,
 * https://www.rfc-editor.org/rfc/rfc9112#section-11.2.
 * @param text one character per byte (ISO 8859-1)
 * @throws CodecError
 */
export function decodeRequestHead(text: string): RequestHead {
  REQUEST_LINE.lastIndex = 0;
  const [, method, target, version] = REQUEST_LINE.exec(text) ?? [];
  if (method === undefined || target === undefined || version === undefined) {
    throw new CodecError('request-line', 0, 'is not "method target HTTP/x.y"');
  }
  return { method, target, version, fields: decodeFields(text, REQUEST_LINE.lastIndex) };
}

/**
 * Decodes the head of a response: RFC 9112 §4, https://www.rfc-editor.org/rfc/rfc9112#section-4.
 * @param text one character per byte
 * @throws CodecError
 */
export function decodeResponseHead(text: string): ResponseHead {
  STATUS_LINE.lastIndex = 0;
  const [, version, status, reason] = STATUS_LINE.exec(text) ?? [];
  if (version === undefined || status === undefined) {
    throw new CodecError('status-line', 0, 'is not "HTTP/1.x status reason"');
  }
  const fields = decodeFields(text, STATUS_LINE.lastIndex);
  return { version, status: Number(status), reason: reason ?? '', fields };
}

/** Encodes a head as text with one character per byte. */
export function encodeRequestHead(head: RequestHead): string {
  return `${head.method} ${head.target} ${head.version}\r\n${encodeFields(head.fields)}`;
}

/** Encodes a head as text with one character per byte. */
export function encodeResponseHead(head: ResponseHead): string {
  return `${head.version} ${head.status} ${head.reason}\r\n${encodeFields(head.fields)}`;
}

export function headerField(name: string, value: string): HeaderField {
  return { name, lower: name.toLowerCase(), value };
}

/** Returns the values of all fields with that name, given in lower case. */
export function valuesOf(
  head: { readonly fields: readonly HeaderField[] },
  lower: string,
): readonly string[] {
  return head.fields.filter((field) => field.lower === lower).map(({ value }) => value);
}

/**
 * Whether a comma-separated field contains a word, such as `close` in `Connection`: RFC 9110 §5.6.1,
 * https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.
 */
export function hasWord(
  head: { readonly fields: readonly HeaderField[] },
  lower: string,
  word: string,
): boolean {
  for (const field of head.fields) {
    if (field.lower !== lower) continue;
    const value = field.value.toLowerCase();
    if (value === word || value.split(',').some((part) => part.trim() === word)) return true;
  }
  return false;
}

/**
 * Throws if the text cannot be the start of a request, so that garbage is answered at once and not after the
 * time limit.
 * @throws CodecError
 */
export function checkHeadStart(text: string): void {
  const bare = BARE_LINE_END.exec(text);
  if (bare !== null && bare.index + 2 <= text.length) {
    throw new CodecError('head', bare.index, 'has a line that does not end in CRLF');
  }
  const end = text.indexOf('\r\n');
  if (end !== -1) {
    REQUEST_LINE.lastIndex = 0;
    if (!REQUEST_LINE.test(text)) throw new CodecError('request-line', 0, 'is not "method target HTTP/x.y"');
  } else if (text !== '' && !METHOD_SO_FAR.test(text.slice(0, 64))) {
    throw new CodecError('method', 0, 'is not an HTTP method');
  }
}

function decodeFields(text: string, start: number): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  const end = text.length - 2;
  let at = start;
  while (at < end) {
    FIELD_LINE.lastIndex = at;
    const [, name, value] = FIELD_LINE.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      throw new CodecError('field', at, 'is not "name: value"');
    }
    if (fields.length === MAX_FIELDS) throw new CodecError('fields', at, `are more than ${MAX_FIELDS}`);
    fields.push({ name, lower: name.toLowerCase(), value: withoutTrailingSpace(value) });
    at = FIELD_LINE.lastIndex;
  }
  if (at !== end || !text.endsWith('\r\n'))
    throw new CodecError('head', at, 'does not end with an empty line');
  return fields;
}

function encodeFields(fields: readonly HeaderField[]): string {
  let text = '';
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

/** Unlike trimEnd, keeps a no-break space, which is a byte of the value. */
function withoutTrailingSpace(value: string): string {
  let end = value.length;
  while (end > 0 && (value[end - 1] === ' ' || value[end - 1] === '\t')) end -= 1;
  return end === value.length ? value : value.slice(0, end);
}
