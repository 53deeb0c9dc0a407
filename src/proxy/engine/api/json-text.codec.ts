import { CodecError } from '../../../core/values/index.js';

/**
 * JSON (RFC 8259, https://www.rfc-editor.org/rfc/rfc8259) as text with positions, so that single strings can
 * be replaced while everything else stays as it is: order, unknown and repeated members, white space, the
 * digits of numbers. Texts have one character per byte; what is between a string's quotes is UTF-8.
 */
export type JsonNode =
  | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | JsonString
  /** A number, true, false or null. */
  | { readonly kind: 'literal'; readonly text: string };

export interface JsonString {
  readonly kind: 'string';
  /** Including its quotes. */
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

export interface JsonMember {
  readonly name: string;
  readonly value: JsonNode;
}

/** Deeper than any message of the API, and far from overflowing the stack. */
const MAX_DEPTH = 200;

const SPACE = /[ \t\n\r]*/y;
const CONTROL = /[\0-\x1f]/;
const LITERAL = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** @throws CodecError if the text is not JSON or is nested too deeply */
export function decodeJsonText(text: string): JsonNode {
  const reader = new Reader(text);
  const node = reader.value(0);
  reader.end();
  return node;
}

/** Encodes a string as JSON, with one character per byte. */
export function encodeJsonString(value: string): string {
  const json = JSON.stringify(value);
  return isAscii(json) ? json : latin1Of(new TextEncoder().encode(json));
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) throw this.#wrong('is nested too deeply');
    this.#skip(SPACE);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return { kind: 'literal', text: this.#token(LITERAL, 'is not a value') };
    }
  }

  end(): void {
    this.#skip(SPACE);
    if (this.#at !== this.#text.length) throw this.#wrong('has text after its end');
  }

  #object(depth: number): JsonNode {
    const members: JsonMember[] = [];
    this.#at += 1;
    this.#skip(SPACE);
    if (this.#text[this.#at] === '}') this.#at += 1;
    else {
      do {
        this.#skip(SPACE);
        const name = this.#string().value;
        this.#skip(SPACE);
        this.#expect(':');
        members.push({ name, value: this.value(depth + 1) });
      } while (this.#continues('}'));
    }
    return { kind: 'object', members };
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#at += 1;
    this.#skip(SPACE);
    if (this.#text[this.#at] === ']') this.#at += 1;
    else {
      do items.push(this.value(depth + 1));
      while (this.#continues(']'));
    }
    return { kind: 'array', items };
  }

  /** Without a regular expression, which overflows its stack on a string of megabytes. */
  #string(): JsonString {
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#wrong('is not a string');
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end === -1) throw this.#wrong('has a string without an end');
    } while (this.#isEscaped(end));
    this.#at = end + 1;
    const token = this.#text.slice(start, end + 1);
    return { kind: 'string', start, end: end + 1, value: this.#unquoted(token) };
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.#text[at - 1 - backslashes] === '\\') backslashes += 1;
    return backslashes % 2 === 1;
  }

  #unquoted(token: string): string {
    if (CONTROL.test(token)) throw this.#wrong('has a control character in a string');
    if (!token.includes('\\') && isAscii(token)) return token.slice(1, -1);
    try {
      return unescaped(token);
    } catch {
      throw this.#wrong('has a string with an invalid escape');
    }
  }

  #continues(close: string): boolean {
    this.#skip(SPACE);
    const next = this.#text[this.#at];
    if (next !== ',' && next !== close) throw this.#wrong(`has no "," or "${close}"`);
    this.#at += 1;
    return next === ',';
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#wrong(`has no "${character}"`);
    this.#at += 1;
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    pattern.test(this.#text);
    this.#at = pattern.lastIndex;
  }

  #token(pattern: RegExp, problem: string): string {
    pattern.lastIndex = this.#at;
    const [token] = pattern.exec(this.#text) ?? [];
    if (token === undefined) throw this.#wrong(problem);
    this.#at = pattern.lastIndex;
    return token;
  }

  #wrong(problem: string): CodecError {
    return new CodecError('JSON', this.#at, problem);
  }
}

function unescaped(token: string): string {
  const utf8 = isAscii(token)
    ? token
    : new TextDecoder().decode(Uint8Array.from(token, (character) => character.charCodeAt(0)));
  return String(JSON.parse(utf8));
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function latin1Of(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
