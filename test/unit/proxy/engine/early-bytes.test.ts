import { duplexPair, type Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EarlyBytes, MAX_EARLY_BYTES } from '../../../../src/proxy/engine/early-bytes.js';

const REQUEST = 'GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n';
const FOREVER_MS = 60_000;

describe('early bytes', () => {
  it('find a head that comes byte by byte, and keep every byte', async () => {
    const [far, near] = duplexPair();
    const early = new EarlyBytes(near, FOREVER_MS);
    for (const byte of `${REQUEST}body`) far.write(byte);
    expect(await early.head).toMatchObject({ kind: 'head', head: { method: 'GET', target: '/_ping' } });
    await drained(far);
    expect(Buffer.concat(early.release()).toString()).toBe(`${REQUEST}body`);
  });

  it('leave what comes after the release to the next reader', async () => {
    const [far, near] = duplexPair();
    const early = new EarlyBytes(near, FOREVER_MS);
    far.write(REQUEST);
    await early.head;
    const first = Buffer.concat(early.release()).toString();
    far.end('later');
    let rest = '';
    for await (const chunk of near as AsyncIterable<Uint8Array>) rest += Buffer.from(chunk).toString();
    expect([first, rest]).toEqual([REQUEST, 'later']);
    expect(early.size).toBe(0);
  });

  it('stop taking at 64 KiB', async () => {
    const [far, near] = duplexPair();
    const early = new EarlyBytes(near, FOREVER_MS);
    far.write(REQUEST);
    await early.head;
    const chunk = Buffer.alloc(16 * 1024);
    for (let count = 0; count < 100; count += 1) far.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
    expect(early.size).toBeLessThanOrEqual(MAX_EARLY_BYTES + chunk.length);
    expect(far.writableLength).toBeGreaterThan(0);
    early.release();
  });

  it.each([
    ['malformed', 'hello\r\n\r\n'],
    ['malformed', '\x16\x03\x01'],
    ['too large', `GET / HTTP/1.1\r\nA: ${'a'.repeat(MAX_EARLY_BYTES)}`],
    ['too large', `GET / HTTP/1.1\r\nA: ${'a'.repeat(MAX_EARLY_BYTES)}\r\n\r\n`],
  ])('call a head %s as soon as it is', async (kind, text) => {
    const [far, near] = duplexPair();
    const early = new EarlyBytes(near, FOREVER_MS);
    far.write(Buffer.from(text, 'latin1'));
    await early.headIsBad;
    expect(await early.head).toMatchObject({ kind });
    early.release();
  });

  it.each([
    ['malformed', 'GET / HT'],
    ['nothing', ''],
  ])('call a head %s when the client ends within it', async (kind, text) => {
    const [far, near] = duplexPair();
    const early = new EarlyBytes(near, FOREVER_MS);
    far.end(text);
    expect(await early.head).toMatchObject({ kind });
  });

  it.each([
    ['too slow', 'GET / HT'],
    ['nothing', ''],
  ])('call a head %s when its time is over', async (kind, text) => {
    const [far, near] = duplexPair();
    if (text !== '') far.write(text);
    const early = new EarlyBytes(near, 1);
    // The bytes are there before the timer can fire: they are handed over within this turn of the event loop.
    near.read(0);
    expect(await early.head).toMatchObject({ kind });
    early.release();
  });

  it('call a head nothing when the client fails', async () => {
    const [, near] = duplexPair();
    const early = new EarlyBytes(near, FOREVER_MS);
    near.destroy();
    expect(await early.head).toEqual({ kind: 'nothing' });
  });
});

async function drained(stream: Duplex): Promise<void> {
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
  await new Promise((resolve) => setImmediate(resolve));
}
