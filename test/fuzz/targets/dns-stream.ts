import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { framed, Framing } from '../../../src/proxy/dns/framing.js';
import type { FuzzTarget } from '../target.js';

/** However a stream is cut into chunks, the same messages come out of it. */
export const target: FuzzTarget = {
  name: 'dns-stream',
  tokens: ['\x00\x00', '\x00\x01a', '\x00\x0c', '\xff\xff', '\x00'],
  run(input) {
    const bytes = new Uint8Array(input);
    const whole = new Framing().push(bytes);
    const framing = new Framing();
    const size = 1 + ((bytes[0] ?? 0) % 7);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(...framing.push(bytes.slice(at, at + size)));
    deepStrictEqual(pieces, whole);
    const again = new Framing();
    strictEqual(whole.flatMap((message) => again.push(framed(message))).length, whole.length);
  },
};
