import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { collectBody } from '../../../../../src/proxy/engine/http/collect-body.js';
import { MemoryBudget, MemoryShare } from '../../../../../src/proxy/engine/http/memory-budget.js';
import { BodyScanner, relayBody } from '../../../../../src/proxy/engine/http/relay-body.js';
import { StreamReader } from '../../../../../src/proxy/engine/http/stream-reader.js';

const CHUNKS = 100_000;
const BODY = Buffer.from(`${'1\r\nx\r\n'.repeat(CHUNKS)}0\r\n\r\n`);

/** A stream whose body has arrived, in pieces of the size of one read. */
function arrived(): StreamReader {
  const stream = new PassThrough();
  const reader = new StreamReader(stream);
  for (let at = 0; at < BODY.length; at += 65_536) stream.push(BODY.subarray(at, at + 65_536));
  return reader;
}

/** How many turns of the event loop others get until the body is complete. */
async function turnsUntil<T>(done: Promise<T> | T): Promise<{ readonly turns: number; readonly value: T }> {
  let turns = 0;
  let isDone = false;
  const counting = (): void => {
    turns += 1;
    if (!isDone) setImmediate(counting);
  };
  setImmediate(counting);
  const value = await done;
  isDone = true;
  return { turns, value };
}

test('a body in tiny chunks is collected with breaks for others', async () => {
  const options = { maxBytes: CHUNKS, memory: new MemoryShare(new MemoryBudget(1e9), 1e9), keepsRaw: false };
  const { turns, value } = await turnsUntil(
    collectBody(arrived(), new BodyScanner({ kind: 'chunked' }), options),
  );
  expect(value).toMatchObject({ end: 'done', content: Buffer.alloc(CHUNKS, 'x') });
  expect(turns).toBeGreaterThan(5);
});

test('a body in tiny chunks is forwarded with breaks for others, and unchanged', async () => {
  const sink = new PassThrough({ highWaterMark: BODY.length * 2 });
  const scanner = new BodyScanner({ kind: 'chunked' });
  const { turns, value } = await turnsUntil(
    relayBody(arrived(), sink, { scanner, onBytes: () => undefined }),
  );
  expect(value).toBe('done');
  expect((sink.read() as Buffer).equals(BODY)).toBe(true);
  expect(turns).toBeGreaterThan(5);
});
