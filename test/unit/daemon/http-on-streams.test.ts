import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { silentLogger, type LocalListener } from '../../../src/core/host/index.js';
import { httpOnStreams, type UpgradeListener } from '../../../src/daemon/control/http-on-streams.js';
import { MemoryPipes } from '../../support/memory-pipe.js';

const ADDRESS = String.raw`\\.\pipe\control`;
const REQUEST = 'GET /status HTTP/1.1\r\nHost: mobyvm\r\n\r\n';

interface Serving extends AsyncDisposable {
  readonly listener: LocalListener;
  connect(): Promise<Duplex>;
}

/** Serves on streams that are Duplexes and nothing more. */
async function serve(
  onRequest: RequestListener,
  requestMs?: number,
  onUpgrade: UpgradeListener = (_request, stream) => stream.destroy(),
): Promise<Serving> {
  const pipes = new MemoryPipes();
  const accept = httpOnStreams({ onRequest, onUpgrade }, requestMs);
  const listener = await pipes.listen({
    address: ADDRESS,
    access: { kind: 'owner only' },
    onConnection: (stream) => accept(stream),
    logger: silentLogger,
  });
  return {
    listener,
    connect: () => pipes.connect(ADDRESS),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

async function readToEnd(stream: Duplex): Promise<string> {
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}

test('a connection is closed after its response', async () => {
  await using serving = await serve((request, response) => response.end(`${request.url ?? ''} is fine`));
  const client = await serving.connect();
  client.write(REQUEST);
  const answer = await readToEnd(client);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('Connection: close\r\n');
  expect(answer).toMatch(/\/status is fine$/);
  expect(serving.listener.connections).toBe(0);
});

test('a streamed response ends when the client disconnects', async () => {
  let ended: Promise<unknown> = Promise.resolve();
  await using serving = await serve((_request, response) => {
    ended = once(response, 'close');
    response.write('first\n');
  });
  const client = await serving.connect();
  client.write(REQUEST);
  await once(client, 'data');
  client.destroy();
  await ended;
  expect(serving.listener.connections).toBe(0);
});

test.each([
  ['sends nothing', ''],
  ['sends half a head', REQUEST.slice(0, 20)],
  ['sends half a body', 'POST /x HTTP/1.1\r\nHost: mobyvm\r\nContent-Length: 10\r\n\r\nhalf'],
])('a client that %s is disconnected after a while', async (_what, sent) => {
  await using serving = await serve((request) => request.resume(), 50);
  const client = await serving.connect();
  client.write(sent);
  expect(await readToEnd(client)).toBe('');
  expect(serving.listener.connections).toBe(0);
});

test('a client that has sent its request can wait for the response indefinitely', async () => {
  await using serving = await serve((_request, response) => setTimeout(() => response.end('late'), 200), 50);
  const client = await serving.connect();
  client.write(REQUEST);
  expect(await readToEnd(client)).toMatch(/late$/);
});

test('invalid HTTP is answered 400', async () => {
  await using serving = await serve((_request, response) => response.end());
  const client = await serving.connect();
  client.write('hello\r\n\r\n');
  expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 400 /);
});

test('a connection that changes its protocol has no time limit, and loses nothing', async () => {
  await using serving = await serve(
    (_request, response) => response.end(),
    50,
    (_request, stream, head) => {
      stream.unshift(head);
      stream.write('HTTP/1.1 101 Fine\r\n\r\n');
      stream.on('data', (chunk: Buffer) => {
        setTimeout(() => stream.end(`got ${chunk.toString()}`), 200);
      });
    },
  );
  const client = await serving.connect();
  client.write('POST /x HTTP/1.1\r\nHost: mobyvm\r\nConnection: Upgrade\r\nUpgrade: y\r\n\r\nearly');
  expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 101 [^]*got early$/);
  expect(serving.listener.connections).toBe(0);
});
