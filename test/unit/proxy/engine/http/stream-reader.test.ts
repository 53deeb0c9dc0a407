import { duplexPair, type Duplex } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { MemoryBudget, MemoryShare } from '../../../../../src/proxy/engine/http/memory-budget.js';
import {
  MAX_HELD_BYTES,
  StreamReader,
  type HeadRead,
} from '../../../../../src/proxy/engine/http/stream-reader.js';

const REQUEST = { isRequest: true };
const HEAD = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

function reading(): { readonly far: Duplex; readonly reader: StreamReader } {
  const [far, near] = duplexPair();
  return { far, reader: new StreamReader(near) };
}

function textOf(read: HeadRead): string {
  return read.kind === 'head' ? read.text : read.kind;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a stream reader', () => {
  it('finds consecutive heads, with empty lines before them, however they are split', async () => {
    const { far, reader } = reading();
    far.write(`\r\n${HEAD}${HEAD}\r\n\r\nGE`);
    expect(textOf(await reader.readHead(REQUEST))).toBe(HEAD);
    expect(textOf(await reader.readHead(REQUEST))).toBe(HEAD);
    const third = reader.readHead(REQUEST);
    for (const character of HEAD.slice(2)) {
      far.write(character);
      await turn();
    }
    expect(textOf(await third)).toBe(HEAD);
    expect(reader.heldBytes).toBe(0);
  });

  it.each(['\r\n', '\n', 'x'])('ends a head at its first empty line, whatever follows: %j', async (next) => {
    for (const head of [HEAD, 'GET / HTTP/1.1\r\nHost: x\r\n\n', 'GET / HTTP/1.1\nHost: x\n\r\n']) {
      const { far, reader } = reading();
      far.write(`${head}${next}`);
      expect(textOf(await reader.readHead(REQUEST))).toBe(head);
    }
  });

  it('keeps what follows a head for the next consumer', async () => {
    const { far, reader } = reading();
    far.write(`${HEAD}body`);
    await reader.readHead(REQUEST);
    let text = '';
    reader.consume({
      take: (chunk) => {
        text += chunk.toString();
        return chunk.length;
      },
      ended: () => (text += '.'),
    });
    expect(text).toBe('body');
    far.end('!');
    await turn();
    expect(text).toBe('body!.');
  });

  it('joins a head with a body that arrived with it', async () => {
    const { far, reader } = reading();
    far.write(`${HEAD}bodyNEXT`);
    const read = await reader.readHead(REQUEST);
    const raw = read.kind === 'head' ? read.raw : Buffer.alloc(0);
    expect(reader.joinHeld(raw, 9)).toBeUndefined();
    expect(reader.joinHeld(raw, 4)?.toString()).toBe(`${HEAD}body`);
    expect(Buffer.concat([...reader.release()]).toString()).toBe('NEXT');
  });

  it('reads ahead a bounded amount, and notices the end of its stream even if nothing reads', async () => {
    const { far, reader } = reading();
    for (let sent = 0; sent < 20; sent += 1) far.write(Buffer.alloc(16 * 1024));
    await turn();
    expect(reader.heldBytes).toBeGreaterThanOrEqual(MAX_HELD_BYTES);
    expect(reader.heldBytes).toBeLessThan(MAX_HELD_BYTES + 64 * 1024);
    let taken = 0;
    reader.consume({
      take(chunk) {
        taken += chunk.length;
        return chunk.length;
      },
      ended: () => undefined,
    });
    far.end();
    await vi.waitFor(() => expect(reader.hasEnded).toBe(true));
    expect(taken).toBe(20 * 16 * 1024);
  });

  it.each([
    ['hello\r\n', 'malformed'],
    [`GET / HTTP/1.1\r\nA: ${'a'.repeat(1_100_000)}`, 'too large'],
  ])('rejects %.40j at once', async (text, kind) => {
    const { far, reader } = reading();
    const read = reader.readHead(REQUEST);
    far.write(text);
    expect((await read).kind).toBe(kind);
  });

  it('reads a head of 1 MiB that arrives in small pieces, and then what follows it', async () => {
    const head = `GET / HTTP/1.1\nA: ${'a'.repeat(1024 * 1024)}\n\n`;
    const { far, reader } = reading();
    const read = reader.readHead(REQUEST);
    for (let at = 0; at < head.length; at += 1_000) if (!far.write(head.slice(at, at + 1_000))) await turn();
    far.write(HEAD);
    expect(textOf(await read) === head).toBe(true);
    expect(textOf(await reader.readHead(REQUEST))).toBe(HEAD);
  });

  it('takes memory for a large head only as long as there is some', async () => {
    const budget = new MemoryBudget(100_000);
    const shares = [new MemoryShare(budget, 1_000), new MemoryShare(budget, 1_000)];
    const reads = shares.map((memory) => {
      const { far, reader } = reading();
      const read = reader.readHead({ ...REQUEST, memory });
      far.write(`GET / HTTP/1.1\r\nA: ${'a'.repeat(40_000)}`);
      far.write('a'.repeat(40_000));
      return read;
    });
    expect((await reads[1])?.kind).toBe('no memory');
    expect(budget.taken).toBeGreaterThan(0);
    for (const share of shares) share.release();
    expect(budget.taken).toBe(0);
  });

  it('distinguishes an end within a head from an end before one', async () => {
    for (const [text, isPartial] of [
      ['GET /', true],
      ['', false],
    ] as const) {
      const { far, reader } = reading();
      far.end(text);
      expect(await reader.readHead(REQUEST)).toEqual({ kind: 'ended', isPartial });
    }
  });

  it('loses nothing when it is released', async () => {
    const { far, reader } = reading();
    far.write('held');
    await turn();
    const held = reader.release();
    far.end(' and later');
    const rest: Buffer[] = [];
    for await (const chunk of reader.stream as AsyncIterable<Buffer>) rest.push(chunk);
    expect(Buffer.concat([...held, ...rest]).toString()).toBe('held and later');
  });
});
