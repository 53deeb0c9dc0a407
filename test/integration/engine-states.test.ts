import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MobyvmError, reportOf } from '../../src/core/values/index.js';
import { settableAvailability } from '../support/engine-availability.js';
import {
  ask,
  connectTo,
  connectTunnel,
  HTTP2_PREFACE,
  rawEngine,
  readToEnd,
  testEndpoint,
  testFolder,
  until,
} from '../support/engine-sockets.js';

const PING = 'GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n';
const STARTING = { kind: 'starting', step: 'waiting for the guest to take its address' } as const;
const STARTING_TEXT = 'mobyvm is starting: waiting for the guest to take its address';

/** Status and message of a whole answer in Docker's shape. */
function parse(answer: string): { status: number; message: unknown; head: string } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const length = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
  expect(body).toHaveLength(length);
  expect(head).toContain('Content-Type: application/json');
  expect(head).toContain('Connection: close');
  const { message } = JSON.parse(body) as { message: unknown };
  return { status: Number(head.split(' ')[1]), message, head };
}

describe('the engine endpoint without an engine', () => {
  it('answers 503 with the step after a bounded wait while mobyvm is starting', async () => {
    await using folder = await testFolder();
    const availability = settableAvailability(STARTING);
    await using endpoint = await testEndpoint(folder, { availability, waitMs: 50 });
    expect(parse(await ask(endpoint.path, PING))).toMatchObject({ status: 503, message: STARTING_TEXT });
    await until('the connection to be gone', () => endpoint.stats.open === 0);
    expect(endpoint.stats).toMatchObject({ waiting: 0, refused: 1, bufferedBytes: 0 });
    expect(availability.listeners()).toBe(1);
  });

  it('names the step at the end of the wait, not the one at its beginning', async () => {
    await using folder = await testFolder();
    const availability = settableAvailability(STARTING);
    await using endpoint = await testEndpoint(folder, { availability, waitMs: 300 });
    const answer = ask(endpoint.path, PING);
    await until('the request to wait', () => endpoint.stats.waiting === 1);
    availability.set({ kind: 'starting', step: 'starting dockerd' });
    expect(parse(await answer).message).toBe('mobyvm is starting: starting dockerd');
  });

  it('answers HEAD without a body', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'stopped' }),
    });
    const answer = await ask(endpoint.path, 'HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(answer).toMatch(/\r\n\r\n$/);
  });

  it('answers 503 at once with failure and remedy when the start has failed', async () => {
    await using folder = await testFolder();
    const error = reportOf(
      new MobyvmError('MOBYVM_SUBNET_IN_USE', 'Subnet 10.0.75.0/24 is in use by eth0.', 'Choose another.'),
    );
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'failed', error }),
    });
    expect(parse(await ask(endpoint.path, PING))).toMatchObject({
      status: 503,
      message:
        'mobyvm is not running: Subnet 10.0.75.0/24 is in use by eth0. Choose another. [MOBYVM_SUBNET_IN_USE]',
    });
  });

  it('answers 503 with the command to run when mobyvm is stopped', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'stopped' }),
    });
    expect(parse(await ask(endpoint.path, PING))).toMatchObject({
      status: 503,
      message: 'mobyvm is stopped. Start it with `mobyvm up`.',
    });
  });

  it('answers 502 with the reason if the engine should be ready but does not answer', async () => {
    await using folder = await testFolder();
    const engine = await rawEngine(() => undefined);
    await engine[Symbol.asyncDispose]();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const { status, message } = parse(await ask(endpoint.path, PING));
    expect(status).toBe(502);
    expect(message).toContain(`127.0.0.1:${engine.port}: connect ECONNREFUSED`);
  });

  it('answers 502 if dialling takes too long', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({
        kind: 'ready',
        dial: async (signal) => {
          await once(signal, 'abort');
          throw signal.reason;
        },
      }),
      dialMs: 50,
    });
    expect(parse(await ask(endpoint.path, PING))).toMatchObject({
      status: 502,
      message: expect.stringContaining('no answer within 0.05 s') as unknown,
    });
  });

  it('answers a client that sends a large body before it reads', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'stopped' }),
    });
    const client = await connectTo(endpoint.path);
    client.write(`POST /build HTTP/1.1\r\nHost: docker\r\nContent-Length: 8000000\r\n\r\n`);
    client.end(Buffer.alloc(8_000_000));
    await once(client, 'finish');
    expect(parse(await readToEnd(client)).status).toBe(503);
  });
});

describe('requests that wait for the engine', () => {
  it('are forwarded with all their bytes once it is ready', async () => {
    await using folder = await testFolder();
    await using engine = await rawEngine((socket) => socket.pipe(socket));
    const availability = settableAvailability(STARTING);
    await using endpoint = await testEndpoint(folder, { availability });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTo(endpoint.path)));
    for (const [index, client] of clients.entries()) client.write(`${HTTP2_PREFACE}early ${index};`);
    await until('20 to wait', () => endpoint.stats.waiting === 20);
    availability.set({ kind: 'ready', dial: engine.dial });
    await until('none to wait', () => endpoint.stats.waiting === 0);
    const answers = clients.map((client, index) => {
      client.end(`late ${index}`);
      return readToEnd(client);
    });
    expect(await Promise.all(answers)).toEqual(
      clients.map((_, index) => `${HTTP2_PREFACE}early ${index};late ${index}`),
    );
    expect(availability.listeners()).toBe(1);
  });

  it('are forwarded completely if they end their input while they wait', async () => {
    await using folder = await testFolder();
    await using engine = await rawEngine((socket) => socket.pipe(socket));
    const availability = settableAvailability(STARTING);
    await using endpoint = await testEndpoint(folder, { availability });
    const client = await connectTo(endpoint.path);
    client.end(`${HTTP2_PREFACE}and that is it`);
    await until('it to wait', () => endpoint.stats.waiting === 1);
    availability.set({ kind: 'ready', dial: engine.dial });
    expect(await readToEnd(client)).toBe(`${HTTP2_PREFACE}and that is it`);
  });

  it('are not read beyond 64 KiB, and lose nothing of a larger body', async () => {
    await using folder = await testFolder();
    await using engine = await rawEngine((socket) => socket.pipe(socket));
    const availability = settableAvailability(STARTING);
    await using endpoint = await testEndpoint(folder, { availability });
    const client = await connectTo(endpoint.path);
    const body = Buffer.alloc(10_000_000, 'x');
    client.write(HTTP2_PREFACE);
    client.end(body);
    await until('the client to be held up', () => endpoint.stats.bufferedBytes >= 64 * 1024);
    expect(endpoint.stats.bufferedBytes).toBeLessThanOrEqual((64 + 64 + 128 + 64) * 1024);
    availability.set({ kind: 'ready', dial: engine.dial });
    expect((await readToEnd(client)).length).toBe(HTTP2_PREFACE.length + body.length);
  });

  it('are answered at once when the start fails', async () => {
    await using folder = await testFolder();
    const availability = settableAvailability(STARTING);
    await using endpoint = await testEndpoint(folder, { availability });
    const answer = ask(endpoint.path, PING);
    await until('it to wait', () => endpoint.stats.waiting === 1);
    const error = reportOf(new MobyvmError('MOBYVM_VM_DIED', 'The VM ended.', 'Look at its console.'));
    availability.set({ kind: 'failed', error });
    expect(parse(await answer).message).toContain('The VM ended. Look at its console.');
  });

  it('are forgotten when their client dies', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, { availability: settableAvailability(STARTING) });
    const client = await connectTo(endpoint.path);
    client.write(PING);
    await until('it to wait', () => endpoint.stats.waiting === 1);
    client.destroy();
    await until('it to be gone', () => endpoint.stats.open === 0 && endpoint.stats.waiting === 0);
  });

  it('are limited in number', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability(STARTING),
      maxWaiting: 1,
    });
    const first = await connectTo(endpoint.path);
    first.write(PING);
    await until('the first to wait', () => endpoint.stats.waiting === 1);
    expect(parse(await ask(endpoint.path, PING))).toMatchObject({
      status: 503,
      message: `${STARTING_TEXT} (1 requests are already waiting, try again later)`,
    });
    first.destroy();
  });

  it('are disconnected when the endpoint closes', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, { availability: settableAvailability(STARTING) });
    const client = await connectTo(endpoint.path);
    client.write(PING);
    await until('it to wait', () => endpoint.stats.waiting === 1);
    await endpoint.close();
    expect(await readToEnd(client)).toBe('');
  });
});

describe('an invalid request, while mobyvm answers by itself', () => {
  it('is answered 400 at once', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, { availability: settableAvailability(STARTING) });
    for (const garbage of [
      '\x16\x03\x01\x02\x00\x01',
      'hello\r\n',
      'GET /\r\n',
      'GET / HTTP/1.1\r\nno colon\r\n\r\n',
    ]) {
      expect(parse(await ask(endpoint.path, garbage))).toMatchObject({
        status: 400,
        message: expect.stringContaining('invalid HTTP request') as unknown,
      });
    }
  });

  it('is answered 408 if its head arrives too slowly', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability(STARTING),
      headMs: 300,
    });
    const client = await connectTo(endpoint.path);
    client.write('GET /_ping HTTP/1.1\r\nA: ');
    const dribble = setInterval(() => client.write('a'), 20);
    const answer = await readToEnd(client).finally(() => clearInterval(dribble));
    expect(parse(answer).status).toBe(408);
    client.destroy();
  });

  it('is answered 431 when its head does not end within 1 MiB', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, { availability: settableAvailability(STARTING) });
    const client = await connectTo(endpoint.path);
    client.write(`GET / HTTP/1.1\r\nA: ${'a'.repeat(1_100_000)}`);
    expect(parse(await readToEnd(client)).status).toBe(431);
    client.destroy();
  });

  it('is closed without an answer if it stays silent', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability(STARTING),
      headMs: 50,
    });
    expect(await readToEnd(await connectTo(endpoint.path))).toBe('');
  });
});

describe('the connection limit', () => {
  it('refuses one connection too many, and accepts one again when another has left', async () => {
    await using folder = await testFolder();
    await using engine = await rawEngine((socket) => socket.pipe(socket));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
      maxConnections: 2,
    });
    const [first] = await Promise.all([connectTunnel(endpoint.path), connectTunnel(endpoint.path)]);
    await until('two tunnels', () => endpoint.stats.tunnels === 2);
    expect(parse(await ask(endpoint.path, PING))).toMatchObject({
      status: 503,
      message: expect.stringContaining('too many open connections') as unknown,
    });
    first.end();
    await until('one tunnel', () => endpoint.stats.open === 1);
    const third = await connectTunnel(endpoint.path);
    third.end('fits');
    expect(await readToEnd(third)).toBe(`${HTTP2_PREFACE}fits`);
  });
});
