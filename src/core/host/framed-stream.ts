import type { Readable, Writable } from 'node:stream';
import { decodeFrames, encodeFrame, MobyvmError, type StreamFrame } from '../values/index.js';

/**
 * The frames of a stream, until it ends. Destroys the stream afterwards.
 * @throws CodecError, or MobyvmError MOBYVM_CODEC if it ends within a frame
 */
export async function* framesOf(stream: Readable): AsyncGenerator<StreamFrame> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    const decoded = decodeFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    rest = decoded.rest;
    yield* decoded.frames;
  }
  if (rest.length > 0) throw new MobyvmError('MOBYVM_CODEC', 'The stream ended within a frame.', '');
}

/** Resolves when the stream has taken the frame, so that a slow reader is not overrun. */
export function writeFrame(stream: Writable, type: number, payload: Uint8Array): Promise<void> {
  return writeAll(stream, encodeFrame(type, payload));
}

/** Resolves when the stream has taken the bytes. @throws what the stream fails with */
export function writeAll(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
