import { CodecError } from '../../core/values/index.js';
import { decodeTextField, encodeTextField } from './text-field.codec.js';

/** Fields of `struct hv_kvp_msg` (include/uapi/linux/hyperv.h, packed, little-endian): 4 bytes header, 7,428 of union. */
export const KVP_MESSAGE_BYTES = 7_432;

/** A cursor-less view of one message: every field of the union has its own fixed place. */
export class KvpFrame {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws CodecError when it has not the size of a message */
  static of(bytes: Uint8Array): KvpFrame {
    if (bytes.length !== KVP_MESSAGE_BYTES) {
      throw new CodecError(
        'KVP message',
        bytes.length,
        `has ${bytes.length} bytes instead of ${KVP_MESSAGE_BYTES}`,
      );
    }
    return new KvpFrame(bytes);
  }

  static empty(): KvpFrame {
    return new KvpFrame(new Uint8Array(KVP_MESSAGE_BYTES));
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }

  setU8(at: number, value: number): this {
    this.#view.setUint8(at, value);
    return this;
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  setU32(at: number, value: number): this {
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }

  setU64(at: number, value: bigint): this {
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  text(place: TextPlace): string {
    return decodeTextField(this.bytes.subarray(place.at, place.at + place.size), place.field);
  }

  /** @returns the bytes with the final NUL, which is what `key_size` and `value_size` count */
  setText(place: TextPlace, text: string): number {
    const padded = encodeTextField(text, place.size, place.field);
    this.bytes.set(padded, place.at);
    return padded.indexOf(0) + 1;
  }
}

export interface TextPlace {
  readonly at: number;
  readonly size: number;
  readonly field: string;
}
