import { CodecError } from '../../../core/values/index.js';

/** In bytes: one size line with its extensions, and all trailers together. */
const MAX_SIZE_LINE = 4_096;
const MAX_TRAILERS = 16 * 1024;
/** How many bytes of framing there may be beyond 16 a chunk and twice its data, as the engine's server counts. */
const MAX_EXCESS = 16 * 1024;
const MAX_DIGITS = 16;
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const SEMICOLON = 59;

type State =
  | 'size'
  | 'space'
  | 'extension'
  | 'size end'
  | 'data'
  | 'data CR'
  | 'data LF'
  | 'trailer start'
  | 'trailer'
  | 'trailer LF'
  | 'last LF'
  | 'done';

/** Gets a piece of a body without its framing. The bytes are valid during the call. */
export type OnData = (bytes: Buffer, start: number, end: number) => void;

/**
 * Finds the end of a chunked body, however it is cut into pieces:
 * `size [;extension] CRLF data CRLF … 0 CRLF [trailer CRLF …] CRLF`. RFC 9112 §7.1,
 * https://www.rfc-editor.org/rfc/rfc9112#section-7.1. As in the engine's server, a size line may end in a bare
 * LF. Works byte by byte without allocating, because a body may have millions of chunks.
 * INVARIANT: #left is the number of data bytes missing from the current chunk; it is 0 in every other state.
 */
export class ChunkScanner {
  #state: State = 'size';
  #left = 0;
  #size = 0;
  #digits = 0;
  /** Bytes of the current size line, or of all trailers. */
  #lineBytes = 0;
  #excess = 0;
  #chunks = 0;

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** How many chunks have begun. */
  get chunks(): number {
    return this.#chunks;
  }

  /**
   * @param onData gets each piece of data
   * @returns how many of the bytes belong to the body
   * @throws CodecError
   */
  scan(bytes: Buffer, onData?: OnData): number {
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        onData?.(bytes, at, end);
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = 'data CR';
      } else {
        this.#take(bytes[at] ?? 0, at);
        at += 1;
      }
    }
    return at;
  }

  #take(byte: number, at: number): void {
    switch (this.#state) {
      case 'size':
      case 'space':
      case 'extension':
      case 'size end':
        return this.#takeOfSizeLine(byte, at);
      case 'data CR':
        return this.#expect(byte, CR, { next: 'data LF', at });
      case 'data LF':
        return this.#expect(byte, LF, { next: 'size', at });
      case 'trailer start':
      case 'trailer':
      case 'trailer LF':
      case 'last LF':
        return this.#takeOfTrailers(byte, at);
      case 'data':
      case 'done':
        throw new CodecError('chunk', at, 'has a byte where none is allowed');
    }
  }

  #takeOfSizeLine(byte: number, at: number): void {
    this.#lineBytes += 1;
    if (this.#lineBytes > MAX_SIZE_LINE) throw new CodecError('chunk', at, 'has a line that is too long');
    if (byte === LF && this.#digits > 0) return this.#beginChunk(at);
    if (this.#state === 'size') {
      const digit = hexDigit(byte);
      if (digit !== -1) {
        this.#size = this.#size * 16 + digit;
        this.#digits += 1;
        if (this.#digits > MAX_DIGITS) throw new CodecError('chunk-size', at, 'is too large');
        return;
      }
      if (this.#digits === 0) throw new CodecError('chunk-size', at, 'is not a hexadecimal number');
    }
    if (byte === CR && this.#state !== 'size end') this.#state = 'size end';
    else if (this.#state === 'size' && byte === SEMICOLON) this.#state = 'extension';
    else if ((this.#state === 'size' || this.#state === 'space') && (byte === SPACE || byte === TAB))
      this.#state = 'space';
    else if (this.#state !== 'extension' || !isText(byte))
      throw new CodecError('chunk-size', at, 'is not a hexadecimal number with extensions');
  }

  #beginChunk(at: number): void {
    this.#excess = Math.max(0, this.#excess + this.#lineBytes - 16 - 2 * this.#size);
    if (this.#excess > MAX_EXCESS) throw new CodecError('chunk', at, 'has too much besides its data');
    this.#chunks += 1;
    this.#left = this.#size;
    this.#state = this.#size === 0 ? 'trailer start' : 'data';
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
  }

  #takeOfTrailers(byte: number, at: number): void {
    this.#lineBytes += 1;
    if (this.#lineBytes > MAX_TRAILERS) throw new CodecError('trailers', at, 'are too long');
    switch (this.#state) {
      case 'trailer LF':
        return this.#expect(byte, LF, { next: 'trailer start', at });
      case 'last LF':
        return this.#expect(byte, LF, { next: 'done', at });
      default:
        if (byte === CR) this.#state = this.#state === 'trailer start' ? 'last LF' : 'trailer LF';
        else if (isText(byte)) this.#state = 'trailer';
        else throw new CodecError('trailers', at, 'have a control character');
    }
  }

  #expect(byte: number, wanted: number, { next, at }: { readonly next: State; readonly at: number }): void {
    if (byte !== wanted) throw new CodecError('chunk', at, 'has a line that does not end in CRLF');
    this.#state = next;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function isText(byte: number): boolean {
  return (byte >= SPACE && byte !== 127) || byte === TAB;
}
