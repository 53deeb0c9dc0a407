import { CodecError } from '../../../core/values/index.js';

/** A field that mobyvm reads (RFC 9112 §5, https://www.rfc-editor.org/rfc/rfc9112#section-5). */
export interface HeaderField {
  /** In lower case. */
  readonly lower: string;
  readonly value: string;
  /** Where its line begins and ends in the head's text. */
  readonly start: number;
  readonly end: number;
}

interface Fields {
  /** Only those named in KNOWN: a head may have hundreds of thousands more. */
  readonly fields: readonly HeaderField[];
  /** The whole head, with one character per byte (ISO 8859-1). */
  readonly text: string;
  /** Has lines that end in a bare LF, or folded ones. */
  readonly isLoose: boolean;
}

export interface RequestHead extends Fields {
  readonly method: string;
  readonly target: string;
  /** As received, such as `HTTP/1.1`. */
  readonly version: string;
}

export interface ResponseHead extends Fields {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
}

/**
 * Limit of a head in bytes, including its empty line: as many as the engine's own server reads
 * (DefaultMaxHeaderBytes in https://pkg.go.dev/net/http#pkg-constants, and 4 KiB more).
 */
export const MAX_HEAD_BYTES = 1024 * 1024 + 4 * 1024;

const KNOWN: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'trailer',
  'transfer-encoding',
]);
const KNOWN_LENGTHS: ReadonlySet<number> = new Set([...KNOWN].map(({ length }) => length));

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`(${TOKEN}) ([\\x21-\\x7e\\x80-\\xff]+) (HTTP/\\d\\.\\d)\\r?\\n`, 'y');
const STATUS_LINE = /(HTTP\/1\.\d) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/y;
/** A name may be empty: the engine skips such a field. */
const NAME = /[!#$%&'*+.^_`|~0-9A-Za-z-]*:/y;
const VALUE = /[\t\x20-\x7e\x80-\xff]*(?=(\r?\n))\1/y;
const METHOD_SO_FAR = new RegExp(`^${TOKEN}( |$)`);

/**
 * Decodes the head of a request as the engine does (https://pkg.go.dev/net/textproto#Reader.ReadMIMEHeader):
 * lines may end in a bare LF, and a line that begins with white space continues the one before.
 * @param text one character per byte
 * @throws CodecError
 */
export function decodeRequestHead(text: string): RequestHead {
  REQUEST_LINE.lastIndex = 0;
  const [, method, target, version] = REQUEST_LINE.exec(text) ?? [];
  if (method === undefined || target === undefined || version === undefined) {
    throw new CodecError('request-line', 0, 'is not "method target HTTP/x.y"');
  }
  return { method, target, version, ...decodeFields(text, REQUEST_LINE.lastIndex) };
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
  if (fields.isLoose) throw new CodecError('head', 0, 'has a line that is folded or does not end in CRLF');
  return { version, status: Number(status), reason: reason ?? '', ...fields };
}

/**
 * Returns a head as text without some of its fields and with new ones where the first of them was, or at the
 * end. The rest stays as it is, except that lines that end in a bare LF or are folded become regular ones.
 * @param drop names in lower case, out of those that are decoded
 */
export function editHead(
  head: Fields,
  { drop, add }: { readonly drop: readonly string[]; readonly add: readonly string[] },
): string {
  const { text, isLoose } = head;
  const dropped = head.fields.filter(({ lower }) => drop.includes(lower));
  const end = text.length - (text.endsWith('\r\n') ? 2 : 1);
  let at = dropped[0]?.start ?? end;
  let edited = regular(text.slice(0, at), isLoose) + add.map((line) => `${line}\r\n`).join('');
  for (const field of dropped) {
    edited += regular(text.slice(at, field.start), isLoose);
    at = field.end;
  }
  return `${edited}${regular(text.slice(at, end), isLoose)}\r\n`;
}

function regular(lines: string, isLoose: boolean): string {
  return isLoose ? lines.replaceAll(/\r?\n[ \t]+/g, ' ').replaceAll(/\r?\n/g, '\r\n') : lines;
}

/** Returns the values of all fields with that name, given in lower case. */
export function valuesOf(head: Pick<Fields, 'fields'>, lower: string): readonly string[] {
  return head.fields.filter((field) => field.lower === lower).map(({ value }) => value);
}

/**
 * Whether a comma-separated field contains a word, such as `close` in `Connection`: RFC 9110 §5.6.1,
 * https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.
 */
export function hasWord(head: Pick<Fields, 'fields'>, lower: string, word: string): boolean {
  for (const field of head.fields) {
    if (field.lower !== lower) continue;
    const value = field.value.toLowerCase();
    if (value === word || value.split(',').some((part) => part.trim() === word)) return true;
  }
  return false;
}

/** Whether the client waits for 100 Continue. Of several expectations the engine reads the first. */
export function expectsContinue(head: Pick<Fields, 'fields'>): boolean {
  const first = head.fields.find(({ lower }) => lower === 'expect');
  return first !== undefined && hasWord({ fields: [first] }, 'expect', '100-continue');
}

/** Whether the head is of HTTP/1.1 or a later 1.x. */
export function isAtLeast11({ version }: { readonly version: string }): boolean {
  return version.startsWith('HTTP/1.') && version !== 'HTTP/1.0';
}

/**
 * Throws if the text cannot be the start of a request, so that garbage is answered at once and not after the
 * time limit.
 * @throws CodecError
 */
export function checkHeadStart(text: string): void {
  if (text.includes('\n')) {
    REQUEST_LINE.lastIndex = 0;
    if (!REQUEST_LINE.test(text)) throw new CodecError('request-line', 0, 'is not "method target HTTP/x.y"');
  } else if (text !== '' && !METHOD_SO_FAR.test(text.slice(0, 64))) {
    throw new CodecError('method', 0, 'is not an HTTP method');
  }
}

function decodeFields(text: string, start: number): Fields {
  const fields: HeaderField[] = [];
  const end = text.length - (text.endsWith('\r\n') ? 2 : 1);
  let isLoose = text.length - end === 1 || text[start - 2] !== '\r';
  let at = start;
  while (at < end) {
    NAME.lastIndex = at;
    if (!NAME.test(text)) throw new CodecError('field', at, 'is not "name: value"');
    const colon = NAME.lastIndex - 1;
    let next = valueEnd(text, colon + 1);
    if (text[next - 2] !== '\r') isLoose = true;
    while (next < end && isBlank(text, next)) {
      isLoose = true;
      next = valueEnd(text, next);
    }
    if (KNOWN_LENGTHS.has(colon - at)) {
      const lower = text.slice(at, colon).toLowerCase();
      if (KNOWN.has(lower))
        fields.push({ lower, value: valueOf(text, colon + 1, next), start: at, end: next });
    }
    at = next;
  }
  if (at !== end || text[end - 1] !== '\n' || !text.endsWith('\n'))
    throw new CodecError('head', at, 'does not end with an empty line');
  return { fields, text, isLoose };
}

function valueEnd(text: string, at: number): number {
  VALUE.lastIndex = at;
  if (!VALUE.test(text)) throw new CodecError('field', at, 'has a value with a control character');
  return VALUE.lastIndex;
}

/** Without the white space around it. Unlike trim, keeps a no-break space, which is a byte of the value. */
function valueOf(text: string, start: number, lineEnd: number): string {
  let from = start;
  let end = lineEnd;
  while (from < end && isSpace(text, from)) from += 1;
  while (end > from && isSpace(text, end - 1)) end -= 1;
  const value = text.slice(from, end);
  return value.includes('\n') ? value.replaceAll(/[ \t]*\r?\n[ \t]+/g, ' ') : value;
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}

function isSpace(text: string, at: number): boolean {
  return isBlank(text, at) || text[at] === '\r' || text[at] === '\n';
}
