import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { CodecError } from './errors.js';

/** A piece of one of several streams that share a connection. */
export interface StreamFrame {
  /** Which stream: 0 to 255. */
  readonly type: number;
  readonly payload: Uint8Array;
}

const HEADER_BYTES = 8;
/** Docker's frames have at most 32 KiB. */
export const MAX_FRAME_BYTES = 1024 * 1024;

/**
 * In the format in which the Docker Engine sends standard output and standard error of a container: the type, three
 * zeros, the length in four bytes, the payload. See "Stream format" at
 * https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerAttach.
 */
export function encodeFrame(type: number, payload: Uint8Array): Uint8Array {
  return new ByteWriter().u8(type).zeros(3).u32(payload.length).put(payload).done();
}

/**
 * @returns the frames that are complete, and the bytes after them
 * @throws CodecError if a frame is longer than MAX_FRAME_BYTES, or not framed
 */
export function decodeFrames(bytes: Uint8Array): {
  readonly frames: readonly StreamFrame[];
  readonly rest: Uint8Array;
} {
  const reader = new ByteReader(bytes);
  const frames: StreamFrame[] = [];
  let end = 0;
  while (reader.remaining >= HEADER_BYTES) {
    const type = reader.u8('stream type');
    if (reader.u8('zero') + reader.u16('zeros') !== 0) {
      throw new CodecError('stream type', end, 'is not followed by three zeros');
    }
    const length = reader.u32('frame length');
    if (length > MAX_FRAME_BYTES) throw new CodecError('frame length', end + 4, `is ${length} bytes`);
    if (reader.remaining < length) break;
    frames.push({ type, payload: reader.take(length, 'payload') });
    end = reader.offset;
  }
  return { frames, rest: bytes.subarray(end) };
}
