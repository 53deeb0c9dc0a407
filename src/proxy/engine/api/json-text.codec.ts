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

export interface JsonDocument {
  readonly root: JsonNode;
  /** A name that two members of one object have, as the engine compares names. */
  readonly repeated: string | undefined;
}

/** As the engine: https://pkg.go.dev/encoding/json, `maxNestingDepth`. */
const MAX_DEPTH = 10_000;
/** More than the list of 10,000 containers has; each takes about 100 bytes. */
const MAX_NODES = 500_000;
/** A longer name is none of those that are kept, even if all its characters are escaped. */
const MAX_NAME = 256;

const CONTROL = /[\0-\x1f]/;
const LITERAL = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Decodes a whole text.
 * @param keeps see {@link JsonScanner}
 * @throws CodecError if the text is not JSON or is nested too deeply
 */
export function decodeJsonText(text: string, keeps?: ReadonlySet<string>): JsonNode {
  const scanner = new JsonScanner(text, keeps);
  scanner.advance(Infinity);
  scanner.expectEnd();
  return scanner.document.root;
}

/** Encodes a string as JSON, with one character per byte. */
export function encodeJsonString(value: string): string {
  const json = JSON.stringify(value);
  return isAscii(json) ? json : latin1Of(new TextEncoder().encode(json));
}

/**
 * Returns a member's name in the form in which the engine compares it: regardless of case, and with the two
 * characters outside of ASCII that have an ASCII letter for their other case, `ſ` and the sign of kelvin.
 */
export function foldedName(name: string): string {
  return name.toLowerCase().replaceAll('ſ', 's');
}

type Frame =
  | { readonly kind: 'object'; readonly members: JsonMember[] | undefined }
  | { readonly kind: 'array'; readonly items: JsonNode[] | undefined };
const SKIPPED_OBJECT: Frame = { kind: 'object', members: undefined };
const SKIPPED_ARRAY: Frame = { kind: 'array', items: undefined };

/**
 * Reads one value from the start of a text, in steps, so that the reader of a long text can do other things in
 * between. Like the engine, it does not look at what follows the value.
 */
export class JsonScanner {
  readonly #text: string;
  readonly #keeps: ReadonlySet<string> | undefined;
  readonly #stack: Frame[] = [];
  #at = 0;
  #state: 'value' | 'first item' | 'first name' | 'name' | 'after value' | 'done' = 'value';
  #nodes = 0;
  /** The name of the member whose value comes next; undefined if the value is skipped. */
  #name: string | undefined;
  #root: JsonNode | undefined;
  #repeated: string | undefined;

  /** @param keeps which members are decoded, by their folded names; all others are skipped. All if absent. */
  constructor(text: string, keeps?: ReadonlySet<string>) {
    this.#text = text;
    this.#keeps = keeps;
  }

  /** @throws CodecError if the value has not been read */
  get document(): JsonDocument {
    if (this.#root === undefined || this.#state !== 'done') throw this.#wrong('ends before its value');
    return { root: this.#root, repeated: this.#repeated };
  }

  /**
   * Reads about that many characters. @returns whether the value is complete
   * @throws CodecError
   */
  advance(characters: number): boolean {
    const limit = this.#at + characters;
    while (this.#state !== 'done') {
      if (this.#at >= limit) return false;
      this.#step();
    }
    return true;
  }

  /** @throws CodecError if something follows the value */
  expectEnd(): void {
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw this.#wrong('has text after its end');
  }

  #step(): void {
    this.#skipSpace();
    const next = this.#text[this.#at];
    switch (this.#state) {
      case 'first item':
        return next === ']' ? this.#close() : this.#value(next);
      case 'value':
        return this.#value(next);
      case 'first name':
        return next === '}' ? this.#close() : this.#memberName();
      case 'name':
        return this.#memberName();
      case 'after value':
        return this.#separator(next);
      case 'done':
        return;
    }
  }

  #value(next: string | undefined): void {
    if (next === '{' || next === '[') return this.#open(next);
    const isKept = this.#isKept();
    if (next === '"') {
      const [start, end] = this.#stringToken();
      if (isKept)
        this.#add({ kind: 'string', start, end, value: this.#unquoted(this.#text.slice(start, end)) });
    } else {
      const text = this.#literal();
      if (isKept) this.#add({ kind: 'literal', text });
    }
    this.#state = this.#stack.length === 0 ? 'done' : 'after value';
  }

  #open(bracket: '{' | '['): void {
    const isKept = this.#isKept();
    let frame = bracket === '{' ? SKIPPED_OBJECT : SKIPPED_ARRAY;
    if (isKept && bracket === '{') {
      const members: JsonMember[] = [];
      frame = { kind: 'object', members };
      this.#add({ kind: 'object', members });
    } else if (isKept) {
      const items: JsonNode[] = [];
      frame = { kind: 'array', items };
      this.#add({ kind: 'array', items });
    }
    if (this.#stack.length === MAX_DEPTH) throw this.#wrong('is nested too deeply');
    this.#stack.push(frame);
    this.#at += 1;
    this.#state = bracket === '{' ? 'first name' : 'first item';
  }

  #close(): void {
    this.#at += 1;
    this.#stack.pop();
    this.#state = this.#stack.length === 0 ? 'done' : 'after value';
  }

  #memberName(): void {
    if (this.#text[this.#at] !== '"') throw this.#wrong('is not a string');
    const [start, end] = this.#stringToken();
    this.#name = undefined;
    if (this.#keeps === undefined || end - start <= MAX_NAME) {
      const name = this.#unquoted(this.#text.slice(start, end));
      if (this.#keeps?.has(foldedName(name)) !== false) this.#name = name;
    }
    this.#skipSpace();
    if (this.#text[this.#at] !== ':') throw this.#wrong('has no ":"');
    this.#at += 1;
    this.#state = 'value';
  }

  #separator(next: string | undefined): void {
    const isObject = this.#stack.at(-1)?.kind === 'object';
    const close = isObject ? '}' : ']';
    if (next === close) return this.#close();
    if (next !== ',') throw this.#wrong(`has no "," or "${close}"`);
    this.#at += 1;
    this.#state = isObject ? 'name' : 'value';
  }

  /** Whether the value that comes next belongs to what is decoded. */
  #isKept(): boolean {
    const frame = this.#stack.at(-1);
    if (frame === undefined) return true;
    return frame.kind === 'array'
      ? frame.items !== undefined
      : frame.members !== undefined && this.#name !== undefined;
  }

  #add(node: JsonNode): void {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES)
      throw this.#wrong(`has more than ${MAX_NODES} values in the members that hold paths`);
    const frame = this.#stack.at(-1);
    if (frame === undefined) this.#root = node;
    else if (frame.kind === 'array') frame.items?.push(node);
    else if (frame.members !== undefined && this.#name !== undefined)
      this.#addMember(frame.members, this.#name, node);
  }

  #addMember(members: JsonMember[], name: string, value: JsonNode): void {
    // Without a filter an object may have any number of members, and repeated ones are of no interest.
    if (this.#keeps !== undefined) {
      const folded = foldedName(name);
      if (members.some((other) => foldedName(other.name) === folded)) this.#repeated ??= name;
    }
    members.push({ name, value });
  }

  /** Without a regular expression, which overflows its stack on a string of megabytes. */
  #stringToken(): readonly [start: number, end: number] {
    const start = this.#at;
    let quote = start;
    do {
      quote = this.#text.indexOf('"', quote + 1);
      if (quote === -1) throw this.#wrong('has a string without an end');
    } while (this.#isEscaped(quote));
    this.#at = quote + 1;
    return [start, quote + 1];
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

  #literal(): string {
    LITERAL.lastIndex = this.#at;
    const [token] = LITERAL.exec(this.#text) ?? [];
    if (token === undefined) throw this.#wrong('is not a value');
    this.#at = LITERAL.lastIndex;
    return token;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return;
      this.#at += 1;
    }
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
  return !/[^\0-\x7f]/.test(text);
}

function latin1Of(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
