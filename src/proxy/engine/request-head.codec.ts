import { CodecError } from '../../core/errors.js';

/** A request line and its header fields (RFC 9112 §3, §5), in the order and spelling in which they came. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** As sent: `HTTP/1.1`. `PRI * HTTP/2.0` is a head as well: the preface of HTTP/2 (RFC 9113 §3.4). */
  readonly version: string;
  readonly fields: readonly HeaderField[];
}

export type HeaderField = readonly [name: string, value: string];

const MAX_FIELDS = 200;
const CR = 13;
const LF = 10;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e\\x80-\\xff]+) (HTTP/\\d\\.\\d)$`);
const METHOD_SO_FAR = new RegExp(`^${TOKEN}( |$)`);
const FIELD_LINE = new RegExp(
  `^(${TOKEN}):[ \\t]*((?:[\\t\\x20-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)[ \\t]*$`,
);

/**
 * The number of bytes up to and including the empty line that ends the head, or undefined when it has not come yet.
 * A bare LF ends a line too, and empty lines in front are skipped (RFC 9112 §2.2).
 */
export function findHeadEnd(bytes: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(LF, startOf(bytes)); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return undefined;
}

/**
 * Throws if what has come so far can no longer become a request, so that garbage is answered at once, not when its
 * sender tires.
 * @throws CodecError
 */
export function checkHeadStart(bytes: Uint8Array): void {
  const start = startOf(bytes);
  const end = bytes.indexOf(LF, start);
  if (end !== -1) decodeRequestLine(textOf(bytes, start, end), start);
  else if (
    start < bytes.length &&
    !METHOD_SO_FAR.test(textOf(bytes, start, Math.min(bytes.length, start + 64)))
  ) {
    throw new CodecError('method', start, 'is not an HTTP method');
  }
}

/**
 * Decodes a head that ends in its empty line.
 * @throws CodecError
 */
export function decodeRequestHead(bytes: Uint8Array): RequestHead {
  const end = findHeadEnd(bytes);
  if (end === undefined) throw new CodecError('head', bytes.length, 'has no empty line at its end');
  if (end !== bytes.length) throw new CodecError('head', end, `is followed by ${bytes.length - end} bytes`);
  const start = startOf(bytes);
  const requestLineEnd = bytes.indexOf(LF, start);
  const line = decodeRequestLine(textOf(bytes, start, requestLineEnd), start);
  const fields: HeaderField[] = [];
  for (let at = requestLineEnd + 1; ;) {
    const lineEnd = bytes.indexOf(LF, at);
    const text = textOf(bytes, at, lineEnd);
    if (text === '') return { ...line, fields };
    if (fields.length === MAX_FIELDS) throw new CodecError('fields', at, `are more than ${MAX_FIELDS}`);
    fields.push(decodeField(text, at));
    at = lineEnd + 1;
  }
}

/** The head's bytes, with CRLF after every line. Each character is one byte (ISO 8859-1), as it was decoded. */
export function encodeRequestHead(head: RequestHead): Uint8Array {
  const lines = [
    `${head.method} ${head.target} ${head.version}`,
    ...head.fields.map(([name, value]) => `${name}: ${value}`),
  ];
  return Uint8Array.from(`${lines.join('\r\n')}\r\n\r\n`, (character) => character.charCodeAt(0));
}

function decodeRequestLine(text: string, offset: number): Omit<RequestHead, 'fields'> {
  const [, method, target, version] = REQUEST_LINE.exec(text) ?? [];
  if (method === undefined || target === undefined || version === undefined) {
    throw new CodecError('request-line', offset, 'is not "method target HTTP/x.y"');
  }
  return { method, target, version };
}

function decodeField(text: string, offset: number): HeaderField {
  const [, name, value] = FIELD_LINE.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new CodecError('field', offset, 'is not "name: value"');
  }
  return [name, value];
}

function startOf(bytes: Uint8Array): number {
  let start = 0;
  while (bytes[start] === CR || bytes[start] === LF) start += 1;
  return start;
}

/** The line's text without the CR before its LF; one character per byte, since TextDecoder's "latin1" is not ISO 8859-1. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  const last = bytes[end - 1] === CR ? end - 1 : end;
  let text = '';
  for (let at = start; at < last; at += 1) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}
