import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { encodeFrame } from '../../../../src/core/values/index.js';
import { followOutput, type OutputLine } from '../../../../src/proxy/engine/index.js';
import { tcpDial } from '../../../support/engine-dial.js';

const closings: (() => void)[] = [];
afterEach(() => closings.splice(0).forEach((close) => close()));

const AT = '2026-01-01T00:00:00.123456789Z';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Printed {
  readonly hasTerminal: boolean;
  readonly pieces: readonly Uint8Array[];
  /** It prints nothing more, and runs on. */
  readonly isEndless?: boolean;
}

/** An engine with one container. */
async function engineWith({ hasTerminal, pieces, isEndless = false }: Printed) {
  const server = createServer((request, response) => {
    if (request.url === '/containers/web/json') {
      response.end(JSON.stringify({ Config: { Tty: hasTerminal } }));
      return;
    }
    if (!request.url?.startsWith('/containers/web/logs?follow=1&')) {
      response.writeHead(404).end(JSON.stringify({ message: 'No such container: db' }));
      return;
    }
    for (const piece of pieces) response.write(piece);
    if (!isEndless) response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closings.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return tcpDial({ host: '127.0.0.1', port });
}

test('tells lines of both streams apart, with their times, however they were cut', async () => {
  const euro = bytes(`${AT} 5 €\n`);
  const dial = await engineWith({
    hasTerminal: false,
    pieces: [
      encodeFrame(1, euro.subarray(0, -2)),
      encodeFrame(2, bytes(`${AT} failed\n`)),
      encodeFrame(1, euro.subarray(-2)),
      encodeFrame(1, bytes(`${AT} one\n${AT} two`)),
    ],
  });
  const lines: OutputLine[] = [];
  const { signal } = new AbortController();
  await followOutput({ dial, container: 'web', tail: 10, onLine: (line) => lines.push(line), signal });
  expect(lines).toEqual([
    { at: AT, stream: 'stderr', text: 'failed' },
    { at: AT, stream: 'stdout', text: '5 €' },
    { at: AT, stream: 'stdout', text: 'one' },
    { at: AT, stream: 'stdout', text: 'two' },
  ]);
});

test('reads the output of a container with a terminal, which has no frames', async () => {
  const dial = await engineWith({
    hasTerminal: true,
    pieces: [bytes(`${AT} \u001b[1mhi`), bytes('\r\nrest')],
  });
  const lines: OutputLine[] = [];
  const { signal } = new AbortController();
  await followOutput({ dial, container: 'web', tail: 10, onLine: (line) => lines.push(line), signal });
  expect(lines).toEqual([
    { at: AT, stream: 'stdout', text: '\u001b[1mhi\r' },
    { at: undefined, stream: 'stdout', text: 'rest' },
  ]);
});

test('passes on a line that does not end in parts', async () => {
  const dial = await engineWith({ hasTerminal: true, pieces: [bytes('x'.repeat(100_000))] });
  const lines: string[] = [];
  const { signal } = new AbortController();
  await followOutput({ dial, container: 'web', tail: 10, onLine: ({ text }) => lines.push(text), signal });
  expect(lines.join('')).toHaveLength(100_000);
  expect(lines.length).toBeGreaterThan(1);
});

test('fails with what the engine says about a container that it does not have', async () => {
  const dial = await engineWith({ hasTerminal: false, pieces: [] });
  const { signal } = new AbortController();
  const following = followOutput({ dial, container: 'db', tail: 10, onLine: () => undefined, signal });
  await expect(following).rejects.toThrow('No such container: db');
});

test('ends when it is told to, with that reason', async () => {
  const gone = new AbortController();
  const dial = await engineWith({ hasTerminal: true, pieces: [bytes('ready\n')], isEndless: true });
  const onLine = (): void => gone.abort(new TypeError('enough'));
  const following = followOutput({ dial, container: 'web', tail: 10, onLine, signal: gone.signal });
  await expect(following).rejects.toThrow('enough');
});
