import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framed, Framing } from '../../../../src/proxy/dns/framing.js';

describe('messages over TCP', () => {
  it('are the same however the stream is split', () => {
    const message = fc.uint8Array({ maxLength: 60 });
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), cuts, (messages, sizes) => {
        const stream = Uint8Array.from(messages.flatMap((one) => [...framed(one)]));
        const framing = new Framing();
        const received: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          received.push(...framing.push(stream.slice(at, at + size)));
          at += size;
        }
        expect(received).toEqual(messages);
      }),
    );
  });

  it('announce their length before they are complete', () => {
    const framing = new Framing();
    expect(framing.expectedBytes).toBeUndefined();
    framing.push(Uint8Array.of(0x12, 0x34, 1));
    expect(framing.expectedBytes).toBe(0x1234);
  });
});
