import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodecError } from '../../../src/core/values/index.js';
import { decodeFrames, encodeFrame, MAX_FRAME_BYTES } from '../../../src/core/values/stream-frame.codec.js';

const frame = fc.record({ type: fc.nat({ max: 255 }), payload: fc.uint8Array({ maxLength: 100 }) });

test('frames come back as they were, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), fc.nat(), (frames, position) => {
      const bytes = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
      const cut = position % (bytes.length + 1);
      const first = decodeFrames(bytes.subarray(0, cut));
      const second = decodeFrames(Buffer.concat([first.rest, bytes.subarray(cut)]));
      expect([...first.frames, ...second.frames]).toEqual(frames);
      expect(second.rest).toHaveLength(0);
    }),
  );
});

test('what the Docker Engine sends for `echo hi` is one frame of standard output', () => {
  const bytes = Buffer.from('0100000000000003 68690a'.replace(' ', ''), 'hex');
  expect(decodeFrames(bytes)).toEqual({
    frames: [{ type: 1, payload: new Uint8Array([0x68, 0x69, 0x0a]) }],
    rest: bytes.subarray(bytes.length),
  });
});

test('a frame that is too long is refused before its payload arrives', () => {
  const header = encodeFrame(1, new Uint8Array(0));
  new DataView(header.buffer).setUint32(4, MAX_FRAME_BYTES + 1);
  expect(() => decodeFrames(header)).toThrow(CodecError);
});

test('any bytes give frames or a CodecError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        const { frames, rest } = decodeFrames(bytes);
        const used = frames.reduce((sum, { payload }) => sum + 8 + payload.length, 0);
        expect(used + rest.length).toBe(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }),
  );
});
