import { on, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/host/index.js';
import { apiRules, noShares, startEngineEndpoint, type Dial } from '../../../src/proxy/engine/index.js';
import { hostPaths } from '../../../src/share/index.js';
import { openHandles } from '../../../src/windows/calls/handles.js';
import { namedPipes } from '../../../src/windows/index.js';
import { settableAvailability } from '../../support/engine-availability.js';
import { tcpDial } from '../../support/engine-dial.js';
import { fakeEngine } from '../../support/engine-fake.js';
import { WinioClients } from './winio-client.js';

const ADDRESS = String.raw`\\.\pipe\mobyvm_endpoint_suite`;
const EXECS = 500;
const AT_A_TIME = 5;
const CONTEXT_MB = 500;
const CHUNK = Buffer.alloc(1024 * 1024, 'tar');

interface Bench extends AsyncDisposable {
  readonly clients: WinioClients;
}

async function serve(dial: Dial): Promise<Bench> {
  const pipes = await namedPipes(['S-1-5-21-1-2-3-1001']);
  const clients = new WinioClients();
  const endpoint = await startEngineEndpoint({
    listen: pipes.listen,
    address: ADDRESS,
    access: { kind: 'group', name: 'Users' },
    availability: settableAvailability({ kind: 'ready', dial }),
    rules: apiRules({
      paths: hostPaths('windows', { engineAddress: ADDRESS }),
      health: noShares,
      showHostPaths: () => false,
    }),
    waitMs: () => 10_000,
    logger: silentLogger,
  });
  return {
    clients,
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      await clients.close();
      await pipes.close();
    },
  };
}

/** What has come, as soon as it has this in it. */
async function untilIn(stream: Duplex, wanted: string): Promise<string> {
  let text = '';
  for await (const [chunk] of on(stream, 'data', { close: ['end', 'close'] }) as AsyncIterable<[Buffer]>) {
    text += String(chunk);
    if (text.includes(wanted)) return text;
  }
  throw new Error(`The stream has ended without ${JSON.stringify(wanted)}: ${text}`);
}

async function rest(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

/** `docker exec -i web sort`, whose engine answers only once the input has ended. */
async function exec(clients: WinioClients, input: string): Promise<string> {
  const stream = await clients.connect(ADDRESS);
  const body = '{"Detach":false,"Tty":false}';
  stream.write(
    'POST /v1.50/exec/e1/start HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n' +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  // The engine says nothing more before the input ends.
  expect(await untilIn(stream, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
  stream.end(input);
  return (await rest(stream)).subarray(8).toString();
}

it(`${EXECS} execs, ${AT_A_TIME} at a time, end their input and read their output; no handle stays open`, async () => {
  await using engine = await fakeEngine();
  await using bench = await serve(engine.dial);
  expect(await exec(bench.clients, 'b\na\n')).toBe('a\nb\n');
  const before = openHandles();
  for (let done = 0; done < EXECS; done += AT_A_TIME) {
    const numbers = Array.from({ length: AT_A_TIME }, (_, index) => done + index);
    const outputs = await Promise.all(numbers.map((each) => exec(bench.clients, `${each} b\n${each} a\n`)));
    expect(outputs).toEqual(numbers.map((each) => `${each} a\n${each} b\n`));
  }
  while (engine.sockets.size > 0) await delay(10);
  expect(openHandles() - before).toBeLessThan(20);
});

/**
 * Refuses each request as soon as it has its head, reads no more of it, and closes as Go's server does: its own end at
 * once, the connection after 0.5 s (closeWriteAndWait in https://go.dev/src/net/http/server.go).
 */
async function refusingEngine(message: string): Promise<AsyncDisposable & { readonly dial: Dial }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      const body = JSON.stringify({ message });
      socket.end(
        'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n' +
          `Content-Length: ${body.length}\r\n\r\n${body}`,
      );
      setTimeout(() => socket.destroy(), 500);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    dial: tcpDial({ host: '127.0.0.1', port }),
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

it(`a build with a context of ${CONTEXT_MB} MB that fails at once is told so, and sends little of it`, async () => {
  await using engine = await refusingEngine('unknown instruction: FORM');
  await using bench = await serve(engine.dial);
  const stream = await bench.clients.connect(ADDRESS);
  stream.on('error', () => undefined);
  const memory = process.memoryUsage.rss();
  let sent = 0;
  let isAnswered = false;
  const send = async (): Promise<void> => {
    stream.write('POST /v1.50/build HTTP/1.1\r\nHost: engine\r\nTransfer-Encoding: chunked\r\n\r\n');
    while (sent < CONTEXT_MB && !isAnswered) {
      sent += 1;
      const isTaken = stream.write(
        Buffer.concat([Buffer.from(`${CHUNK.length.toString(16)}\r\n`), CHUNK, Buffer.from('\r\n')]),
      );
      if (!isTaken) await once(stream, 'drain');
      // A write that completes at once would leave the answer no turn.
      await nextTurn();
    }
  };
  const sending = send();
  // As Docker's client, which knows the length of the answer, and stops sending when it has it.
  expect(await untilIn(stream, 'unknown instruction: FORM')).toMatch(/^HTTP\/1\.1 400 /);
  isAnswered = true;
  await sending;
  stream.destroy();
  expect(sent).toBeLessThan(CONTEXT_MB / 5);
  expect((process.memoryUsage.rss() - memory) / 1024 ** 2).toBeLessThan(150);
});
