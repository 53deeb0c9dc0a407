import { CodecError } from './errors.js';

/**
 * A bounds-checked, big-endian cursor. Every read names its field, so a failure says what was short and
 * where.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field));
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#advance(2, field));
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#advance(4, field));
  }

  /** A copy of the next `length` bytes. */
  take(length: number, field: string): Uint8Array {
    const at = this.#advance(length, field);
    // Not `slice`: on a Node Buffer it returns a view of the same memory.
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  #advance(length: number, field: string): number {
    if (length > this.remaining) {
      throw new CodecError(field, this.#offset, `needs ${length} bytes, ${this.remaining} left`);
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}
