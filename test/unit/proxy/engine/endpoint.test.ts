import { duplexPair, type Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { silentLogger, type ListenLocally } from '../../../../src/core/host/index.js';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { startEngineEndpoint, type EngineState } from '../../../../src/proxy/engine/index.js';
import { settableAvailability } from '../../../support/engine-availability.js';
import { HTTP2_PREFACE } from '../../../support/engine-sockets.js';
import { MemoryPipes } from '../../../support/memory-pipe.js';

const ADDRESS = String.raw`\\.\pipe\mobyvm_engine`;
const USUAL = String.raw`\\.\pipe\docker_engine`;
const PING = 'GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n';

/** The endpoint on streams that behave like a named pipe's. */
function start(listen: ListenLocally, state: EngineState, usualAddress?: string) {
  const availability = settableAvailability(state);
  const endpoint = startEngineEndpoint({
    listen,
    address: ADDRESS,
    usualAddress,
    access: { kind: 'group', name: 'docker-users' },
    availability,
    logger: silentLogger,
  });
  return { availability, endpoint };
}

async function readToEnd(stream: Duplex): Promise<string> {
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}

test('a request over a named pipe is answered, and the pipe closed after a refusal', async () => {
  const pipes = new MemoryPipes();
  const endpoint = await start(pipes.listen, { kind: 'stopped' }).endpoint;
  const client = await pipes.connect(ADDRESS);
  client.write(PING);
  expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 503 [^]*mobyvm is stopped/);
  expect(endpoint.stats.open).toBe(0);
  await endpoint.close();
});

test('a raw stream over a named pipe lets the client end its input and read on', async () => {
  const pipes = new MemoryPipes();
  const [ours, engine] = duplexPair();
  const dial = () => Promise.resolve(ours);
  const endpoint = await start(pipes.listen, { kind: 'ready', dial }).endpoint;
  const client = await pipes.connect(ADDRESS);
  client.end(`${HTTP2_PREFACE}input`);
  expect(await inputOf(engine)).toBe(`${HTTP2_PREFACE}input`);
  engine.end('output');
  expect(await readToEnd(client)).toBe('output');
  await endpoint.close();
});

test('the engine is also where clients look that are told nothing', async () => {
  const pipes = new MemoryPipes();
  const endpoint = await start(pipes.listen, { kind: 'stopped' }, USUAL).endpoint;
  expect(endpoint.usual).toEqual({ address: USUAL, problem: undefined });
  const client = await pipes.connect(USUAL);
  client.write(PING);
  expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 503 [^]*mobyvm is stopped/);
  await endpoint.close();
  await expect(pipes.connect(USUAL)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('another program keeps the usual address, and is named', async () => {
  const pipes = new MemoryPipes();
  const other = await start(pipes.listen, { kind: 'stopped' }, USUAL).endpoint;
  const listen: ListenLocally = (options) =>
    pipes.listen({ ...options, address: options.address.replace('mobyvm_engine', 'mobyvm_second') });
  const endpoint = await start(listen, { kind: 'stopped' }, USUAL).endpoint;
  expect(endpoint.usual?.problem).toMatch(/docker_engine" is in use by /);
  const client = await pipes.connect(USUAL);
  await endpoint.close();
  client.write(PING);
  expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 503 /);
  await other.close();
});

/** Not `for await`, which would destroy the stream at the end. */
function inputOf(stream: Duplex): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.once('end', () => resolve(text));
  });
}

test('an endpoint that cannot be opened no longer listens for changes of the engine', async () => {
  const inUse = new MobyvmError('MOBYVM_ENDPOINT_IN_USE', 'in use', '');
  const { availability, endpoint } = start(() => Promise.reject(inUse), { kind: 'stopped' });
  await expect(endpoint).rejects.toBe(inUse);
  expect(availability.listeners()).toBe(0);
});
