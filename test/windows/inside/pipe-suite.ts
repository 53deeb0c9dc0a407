import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  silentLogger,
  type LocalListener,
  type LogFields,
  type OnLocalConnection,
} from '../../../src/core/host/index.js';
import { openHandles } from '../../../src/windows/calls/handles.js';
import { groupSid } from '../../../src/windows/calls/security.js';
import { namedPipes, type NamedPipes } from '../../../src/windows/index.js';
import { pipeAccessListOf, WinioClients } from './winio-client.js';

const ADDRESS = String.raw`\\.\pipe\mobyvm_suite`;

interface Bench extends AsyncDisposable {
  readonly pipes: NamedPipes;
  readonly clients: WinioClients;
  readonly listener: LocalListener;
  /** Log records with their event. */
  readonly records: readonly (LogFields & { readonly event: string })[];
}

async function serve(onConnection: OnLocalConnection, address = ADDRESS): Promise<Bench> {
  const pipes = await namedPipes(['S-1-5-21-1-2-3-1001']);
  const clients = new WinioClients();
  const records: (LogFields & { readonly event: string })[] = [];
  const listener = await pipes.listen({
    address,
    access: { kind: 'group', name: 'Users' },
    onConnection: (stream, probe) => {
      stream.on('error', () => undefined);
      onConnection(stream, probe);
    },
    logger: { ...silentLogger, debug: (event, fields) => records.push({ event, ...fields }) },
  });
  return {
    pipes,
    clients,
    listener,
    records,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await clients.close();
      await pipes.close();
    },
  };
}

/** Answers with everything that came in, once the input has ended: `docker run -i … sha256sum` and the like. */
const answerAtEnd: OnLocalConnection = (stream) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => stream.end(Buffer.concat([Buffer.from('got '), ...chunks])));
};
const echo: OnLocalConnection = (stream) => void stream.pipe(stream);

async function all(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

async function nodeClient(): Promise<Socket> {
  const client = connect(ADDRESS);
  await once(client, 'connect');
  return client;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function halfClosed(clients: WinioClients, text: string): Promise<string> {
  const client = await clients.connect(ADDRESS);
  client.end(text);
  return (await all(client)).toString();
}

it('60 streams one after the other end their input and read the answer', async () => {
  await using bench = await serve(answerAtEnd);
  for (let index = 0; index < 60; index++)
    expect(await halfClosed(bench.clients, `stream ${index}`)).toBe(`got stream ${index}`);
});

it('8 parallel streams end their input and read the answer', async () => {
  await using bench = await serve(answerAtEnd);
  const texts = Array.from({ length: 8 }, (_, index) => `stream ${index} `.repeat(10_000));
  const answers = await Promise.all(texts.map((text) => halfClosed(bench.clients, text)));
  expect(answers).toEqual(texts.map((text) => `got ${text}`));
});

it('carries 61 MB both ways unchanged', async () => {
  await using bench = await serve(echo);
  const client = await bench.clients.connect(ADDRESS);
  const sent = randomBytes(61_000_000);
  for (let offset = 0; offset < sent.length; offset += 32_768)
    client.write(sent.subarray(offset, offset + 32_768));
  client.end();
  const received = await all(client);
  expect(received.length).toBe(sent.length);
  expect(sha256(received)).toBe(sha256(sent));
});

it("delivers output that comes seconds after the client's end", async () => {
  await using bench = await serve((stream) => {
    stream.resume().on('end', () => {
      stream.write('first ');
      setTimeout(() => stream.end('and last'), 3_000);
    });
  });
  expect(await halfClosed(bench.clients, 'input')).toBe('first and last');
});

it('keeps a connection on which nothing happens for longer than the port is waited on', async () => {
  await using bench = await serve(echo);
  const client = await nodeClient();
  await delay(11_000);
  client.write('still here');
  expect(String((await once(client, 'data'))[0])).toBe('still here');
  client.destroy();
  expect(bench.listener.connections).toBeGreaterThan(0);
});

it('serves while 300 connections are idle, each of at most 24 KB', async () => {
  await using bench = await serve(echo);
  await halfClosed(bench.clients, 'warm');
  const memory = (): number => {
    globalThis.gc?.();
    return process.memoryUsage.rss();
  };
  const before = memory();
  const idle = await Promise.all(Array.from({ length: 300 }, () => bench.clients.connect(ADDRESS)));
  while (bench.listener.connections < 300) await delay(10);
  // Both ends are in this process, so this measures a client's end too.
  const each = (memory() - before) / 300 / 1024;
  expect(await halfClosed(bench.clients, 'still served')).toBe('still served');
  for (const client of idle) client.destroy();
  while (bench.listener.connections > 0) await delay(10);
  expect(each).toBeLessThan(2 * 24);
});

it('stops reading from the application while a client reads slowly, and loses nothing', async () => {
  let buffered = 0;
  let written = 0;
  await using bench = await serve((stream) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const write = (): void => {
      while (written < 16 * 1024 * 1024) {
        written += chunk.length;
        buffered = Math.max(buffered, stream.writableLength);
        if (!stream.write(chunk)) {
          stream.once('drain', write);
          return;
        }
      }
      stream.end();
    };
    write();
  });
  const client = await bench.clients.connect(ADDRESS);
  let read = 0;
  for await (const chunk of client) {
    read += (chunk as Buffer).length;
    if (read % (1024 * 1024) < 64 * 1024) await delay(20);
  }
  expect(read).toBe(written);
  expect(buffered).toBeLessThan(1024 * 1024);
});

it('survives clients that close abruptly, and releases their handles', async () => {
  await using bench = await serve(echo);
  await halfClosed(bench.clients, 'warm');
  const before = openHandles();
  for (let index = 0; index < 100; index++) {
    const client = await bench.clients.connect(ADDRESS);
    if (index % 2 === 0) client.write(Buffer.alloc(100_000));
    client.destroy();
  }
  while (bench.listener.connections > 0) await delay(10);
  await delay(200);
  expect(openHandles() - before).toBeLessThan(20);
  expect(await halfClosed(bench.clients, 'next')).toBe('next');
});

it('serves 200 clients that connect at the same time, more than there are waiting instances', async () => {
  await using bench = await serve(answerAtEnd);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => halfClosed(bench.clients, `client ${index}`)),
  );
  expect(answers).toEqual(answers.map((_, index) => `got client ${index}`));
});

it('restarts while clients are connected: they see an end, and new ones are served', async () => {
  const first = await serve(echo);
  const clients = new WinioClients();
  const open = await Promise.all(Array.from({ length: 10 }, () => clients.connect(ADDRESS)));
  const ends = open.map((client) => all(client));
  while (first.listener.connections < 10) await delay(10);
  await first[Symbol.asyncDispose]();
  expect((await Promise.all(ends)).map(String)).toEqual(Array.from({ length: 10 }, () => ''));
  await using second = await serve(echo);
  expect(await halfClosed(second.clients, 'again')).toBe('again');
  await clients.close();
});

it("serves Node's own client, whose pipe is closed when the server ends", async () => {
  await using bench = await serve((stream) => {
    stream.once('data', (chunk: Buffer) => stream.end(`answer to ${chunk.toString()}`));
  });
  const client = await nodeClient();
  client.write('question');
  expect((await all(client)).toString()).toBe('answer to question');
  await once(client, 'close');
  expect(bench.listener.connections).toBe(0);
});

it("serves docker-py's pattern: requests on one connection, which is closed when no longer needed", async () => {
  await using bench = await serve((stream) => {
    let length = 0;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length % 1_000 === 0) stream.write(`HTTP/1.1 200 OK\r\n\r\n${length};`);
    });
  });
  const client = await bench.clients.connect(ADDRESS);
  for (let index = 1; index <= 20; index++) {
    client.write(Buffer.alloc(index * 1_000));
    let answer = '';
    while (!answer.endsWith(';')) answer += String(((await once(client, 'data')) as [Buffer])[0]);
    expect(answer.startsWith('HTTP/1.1 200 OK')).toBe(true);
  }
  client.destroy();
  while (bench.listener.connections > 0) await delay(10);
});

it('keeps a message of zero bytes apart from the data before it', async () => {
  await using bench = await serve(answerAtEnd);
  const client = await bench.clients.connect(ADDRESS);
  client.write('a');
  client.write(Buffer.alloc(70_000, 'b'));
  client.end('c');
  expect((await all(client)).length).toBe('got '.length + 70_002);
});

it('has the access list that was asked for from its creation on, and logs the process of each client', async () => {
  await using bench = await serve(echo);
  const list = pipeAccessListOf(ADDRESS);
  expect(list).toContain('(A;;0x12019b;;;S-1-5-21-1-2-3-1001)');
  expect(list).toMatch(new RegExp(`\\(A;;0x12019b;;;(BU|${groupSid('Users') ?? ''})\\)`));
  expect(list).toMatch(/;;;SY\)/);
  expect(list).toMatch(/;;;BA\)/);
  await halfClosed(bench.clients, 'x');
  expect(bench.records.at(-1)).toMatchObject({ event: 'listener.client.connected', address: ADDRESS });
});

it('serves several pipes at once and tells who has a name that is taken', async () => {
  await using bench = await serve(echo);
  const options = { access: { kind: 'owner only' } as const, logger: silentLogger, onConnection: echo };
  const other = await bench.pipes.listen({ ...options, address: `${ADDRESS}_2` });
  expect((await bench.clients.connect(`${ADDRESS}_2`)).destroy().destroyed).toBe(true);
  const second = bench.pipes.listen({ ...options, address: ADDRESS });
  await expect(second).rejects.toMatchObject({ code: 'MOBYVM_ENDPOINT_IN_USE' });
  await expect(second).rejects.toThrow(/node\.exe \(pid \d+\)/);
  await other.close();
});

it('opens and closes 20 times without leaving handles open', async () => {
  const round = async (): Promise<void> => {
    await using bench = await serve(echo);
    await halfClosed(bench.clients, 'x');
  };
  await round();
  const before = openHandles();
  for (let index = 0; index < 20; index++) await round();
  await delay(200);
  expect(openHandles() - before).toBeLessThan(20);
});
