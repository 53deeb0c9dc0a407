import { CodecError } from '../../../core/values/index.js';

/** In bytes: one size line with its extensions, and all trailers together. */
const MAX_SIZE_LINE = 1_024;
const MAX_TRAILERS = 16 * 1024;
const CR = 13;
const LF = 10;

/**
 * Finds the end of a chunked body, however it is cut into pieces:
 * `size [;extension] CRLF data CRLF … 0 CRLF [trailer CRLF …] CRLF`. RFC 9112 §7.1,
 * https://www.rfc-editor.org/rfc/rfc9112#section-7.1.
 * INVARIANT: #left is the number of data bytes missing from the current chunk; it is 0 in every other state.
 */
export class ChunkScanner {
  #state: 'size' | 'data' | 'data end' | 'trailer' | 'done' = 'size';
  #left = 0;
  /** The part of the current line that has arrived, with one character per byte. */
  #line = '';
  #trailerBytes = 0;

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /**
   * @param onData gets each piece of data
   * @returns how many of the bytes belong to the body
   * @throws CodecError
   */
  scan(bytes: Buffer, onData?: (piece: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        onData?.(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = 'data end';
      } else at = this.#readLine(bytes, at);
    }
    return at;
  }

  #readLine(bytes: Buffer, at: number): number {
    const lf = bytes.indexOf(LF, at);
    const end = lf === -1 ? bytes.length : lf + 1;
    const limit = this.#state === 'trailer' ? MAX_TRAILERS : MAX_SIZE_LINE;
    if (this.#line.length + end - at > limit)
      throw new CodecError('chunk', at, 'has a line that is too long');
    this.#line += bytes.toString('latin1', at, end);
    if (lf === -1) return end;
    const line = this.#line;
    this.#line = '';
    if (line.charCodeAt(line.length - 2) !== CR) {
      throw new CodecError('chunk', at, 'has a line that does not end in CRLF');
    }
    this.#take(line.slice(0, -2), at);
    return end;
  }

  #take(line: string, at: number): void {
    switch (this.#state) {
      case 'size': {
        const [, size] = /^([0-9A-Fa-f]{1,13})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line) ?? [];
        if (size === undefined) throw new CodecError('chunk-size', at, 'is not a hexadecimal number');
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailer' : 'data';
        return;
      }
      case 'data end':
        if (line !== '') throw new CodecError('chunk', at, 'is longer than it says');
        this.#state = 'size';
        return;
      case 'trailer':
        this.#trailerBytes += line.length + 2;
        if (this.#trailerBytes > MAX_TRAILERS) throw new CodecError('trailers', at, 'are too long');
        if (line === '') this.#state = 'done';
        return;
      case 'data':
      case 'done':
        throw new CodecError('chunk', at, 'has a line where none is allowed');
    }
  }
}
