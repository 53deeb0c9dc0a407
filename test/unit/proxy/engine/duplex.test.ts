import { once } from 'node:events';
import { duplexPair, PassThrough, type Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { tunnel } from '../../../../src/proxy/engine/duplex.js';

const signal = new AbortController().signal;

describe('a tunnel', () => {
  it('gives the engine the early bytes first, then the rest, and counts both ways', async () => {
    const [farClient, client] = duplexPair();
    const [farEngine, engine] = duplexPair();
    const counts = { toEngine: 0, toClient: 0 };
    const over = tunnel(client, engine, {
      signal,
      early: [Buffer.from('one '), Buffer.from('two ')],
      onBytes: (direction, count) => (counts[direction] += count),
    });
    farClient.end('three');
    expect(await textOf(farEngine)).toBe('one two three');
    farEngine.end('four');
    expect(await textOf(farClient)).toBe('four');
    expect(await over).toBe('finished');
    expect(counts).toEqual({ toEngine: 13, toClient: 4 });
  });

  it("ends the engine's side at once for a client that ended before", async () => {
    const [farClient, client] = duplexPair();
    const [farEngine, engine] = duplexPair();
    farClient.end();
    client.resume();
    await once(client, 'end');
    const over = tunnel(client, engine, { signal, early: [Buffer.from('early')] });
    expect(await textOf(farEngine)).toBe('early');
    farEngine.end();
    expect(await textOf(farClient)).toBe('');
    expect(await over).toBe('finished');
  });

  it('delivers to a slow client what the engine sent before it failed', async () => {
    const [farClient, client] = duplexPair({ highWaterMark: 4 });
    const engine = new PassThrough();
    const over = tunnel(client, engine, { signal });
    engine.push('a longer answer than fits');
    engine.push('; the end');
    await new Promise((resolve) => setImmediate(resolve));
    engine.destroy(new RangeError('reset'));
    const text = await textOf(farClient);
    expect('a longer answer than fits; the end'.startsWith(text)).toBe(true);
    expect(text).toContain('a longer answer than fits');
    expect(await over).toBe('engine gone');
    expect(client.destroyed).toBe(true);
  });

  it('destroys the engine side when the client fails', async () => {
    const [, client] = duplexPair();
    const [, engine] = duplexPair();
    const over = tunnel(client, engine, { signal });
    client.destroy(new RangeError('reset'));
    expect(await over).toBe('client gone');
    expect(engine.destroyed).toBe(true);
  });

  it('destroys the engine side when the client was gone before it began', async () => {
    const [, client] = duplexPair();
    const [, engine] = duplexPair();
    client.destroy();
    await once(client, 'close');
    expect(await tunnel(client, engine, { signal, early: [Buffer.from('x')] })).toBe('client gone');
    expect(engine.destroyed).toBe(true);
  });

  it('does not wait to send early bytes to an engine that fails', async () => {
    const [farClient, client] = duplexPair();
    farClient.resume();
    const engine = new PassThrough({ highWaterMark: 1 });
    const over = tunnel(client, engine, { signal, early: [Buffer.alloc(10), Buffer.alloc(10)] });
    engine.destroy();
    expect(await over).toBe('engine gone');
  });

  it('is closed by its signal, even one aborted before', async () => {
    for (const when of ['before', 'later'] as const) {
      const [, client] = duplexPair();
      const [, engine] = duplexPair();
      const cut = new AbortController();
      if (when === 'before') cut.abort();
      const over = tunnel(client, engine, { signal: cut.signal });
      cut.abort();
      expect(await over).toBe('cut');
      expect([client.destroyed, engine.destroyed]).toEqual([true, true]);
    }
  });
});

/** All text up to the end; the stream's writable side stays open. */
async function textOf(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Uint8Array) => (text += Buffer.from(chunk).toString()));
  await once(stream, 'end');
  return text;
}
