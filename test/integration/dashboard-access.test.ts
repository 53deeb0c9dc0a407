import { once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { silentLogger } from '../../src/core/host/index.js';
import { controlApi } from '../../src/daemon/control/control-api.js';
import { AccessToken } from '../../src/daemon/dashboard/access-token.js';
import { startWebServer, type WebLimits, type WebServer } from '../../src/daemon/dashboard/web-server.js';
import { apiOptions } from '../support/control-server.js';

const token = new AccessToken(undefined);
let server: WebServer;
const sockets: Socket[] = [];

async function serve(limits: Partial<WebLimits> = {}, own = token): Promise<void> {
  server = await startWebServer({
    api: controlApi(apiOptions()),
    pages: new Map(),
    token: own,
    port: 0,
    logger: silentLogger,
    limits,
  });
}

beforeEach(() => serve());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

type Headers = Readonly<Record<string, string>>;

function ask(path: string, headers: Headers = {}, { method = 'GET', body = '' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: server.port, path, method, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

const bearer = (value: string): Headers => ({ Authorization: `Bearer ${value}` });

/** A connection on which a test writes what it wants. */
async function raw(text = ''): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

async function received(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

describe('the control API at a TCP port', () => {
  test('listens on the loopback address, and answers who has the token', async () => {
    const answer = await ask('/v1/ports', bearer(token.value));
    expect(answer).toMatchObject({ status: 200, text: '{"ports":[]}' });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; /);
  });

  test.each([
    ['no token', {}],
    ['a wrong token', bearer('x'.repeat(43))],
    ['another scheme', { Authorization: `Basic ${token.value}` }],
    ['the token in a cookie', { Cookie: `token=${token.value}` }],
  ])('answers a request with %s by 401', async (_what, headers) => {
    const answer = await ask('/v1/ports', headers);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'MOBYVM_CONTROL_ACCESS' } });
  });

  test('does not tell without a token what there is', async () => {
    expect((await ask('/v1/nothing')).status).toBe(401);
    expect((await ask('/v1/nothing', bearer(token.value))).status).toBe(404);
  });

  test.each([
    ['another origin', () => ({ Origin: 'http://evil.example' })],
    ['the origin of another port of this host', () => ({ Origin: 'http://127.0.0.1:1' })],
    ['no known origin', () => ({ Origin: 'null' })],
    ['a name that leads here (DNS rebinding)', () => ({ Host: `evil.example:${server.port}` })],
    ['a name that only begins like ours', () => ({ Host: '127.0.0.1.evil.example' })],
    ['a page of another site', () => ({ 'Sec-Fetch-Site': 'cross-site' })],
    ['a page of another port', () => ({ 'Sec-Fetch-Site': 'same-site' })],
  ])('refuses a request from %s, with the token too', async (_what, headers) => {
    expect((await ask('/v1/ports', { ...bearer(token.value), ...headers() })).status).toBe(403);
  });

  test.each(['127.0.0.1', 'localhost'])('takes its own page at %s, behind another port too', async (host) => {
    const headers = { Host: `${host}:8080`, Origin: `http://${host}:8080`, 'Sec-Fetch-Site': 'same-origin' };
    expect((await ask('/v1/ports', { ...bearer(token.value), ...headers })).status).toBe(200);
  });

  test('never allows another origin what a browser asks for first', async () => {
    const headers = { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'POST' };
    const { status, headers: answered } = await ask('/v1/cancel', headers, { method: 'OPTIONS' });
    expect(status).toBe(403);
    expect(Object.keys(answered).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('takes no body of a type that a form of another page can send', async () => {
    const form = { ...bearer(token.value), 'Content-Type': 'text/plain' };
    const sent = { method: 'POST', body: '{"name":"x"}' };
    expect((await ask('/v1/shares/remove', form, sent)).status).toBe(415);
  });

  test.each([
    '/../../etc/passwd',
    '/v1/../../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/v1/kvp/..%2f..%2fetc',
  ])('has nothing at %s', async (path) => {
    const socket = await raw(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token.value}\r\nConnection: close\r\n\r\n`,
    );
    const text = await received(socket);
    expect(text).toMatch(/^HTTP\/1\.1 (400|404) /);
    expect(text).not.toContain('root:');
  });
});

describe('what a client may take', () => {
  test('is a head of some kilobytes: one of 10 MB is refused', async () => {
    const socket = await raw(`GET /v1/ports HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: `);
    const answer = received(socket);
    const part = 'x'.repeat(64 * 1024);
    for (let sent = 0; sent < 10 * 1024 * 1024 && !socket.destroyed; sent += part.length)
      await new Promise((resolve) => socket.write(part, resolve));
    expect(await answer).toMatch(/^(HTTP\/1\.1 431 |$)/);
  });

  test('is a body of 64 KiB', async () => {
    const headers = { ...bearer(token.value), 'Content-Type': 'application/json' };
    const body = JSON.stringify({ name: 'x'.repeat(70_000) });
    expect((await ask('/v1/shares/remove', headers, { method: 'POST', body })).status).toBe(413);
  });

  test('is some seconds for the head: one that comes byte by byte is cut off', async () => {
    await server.close();
    await serve({ headMs: 300, requestMs: 600 });
    const socket = await raw('GET /v1/ports HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
    const drip = setInterval(() => socket.write('x'), 50);
    try {
      expect(await received(socket)).toMatch(/^HTTP\/1\.1 408 /);
    } finally {
      clearInterval(drip);
    }
  });

  test('is a limited number of connections: of 1,000 that say nothing, 64 are let in', async () => {
    let closed = 0;
    let allButSome: () => void = () => undefined;
    const isBounded = new Promise<void>((resolve) => (allButSome = resolve));
    const idle = Array.from({ length: 1_000 }, () => {
      const socket = connect(server.port, '127.0.0.1').resume();
      socket.on('error', () => undefined);
      socket.once('close', () => {
        closed += 1;
        if (closed === 1_000 - 64) allButSome();
      });
      return socket;
    });
    sockets.push(...idle);
    await isBounded;
    expect(idle.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(64);
  });

  test('is not a connection on which nothing is asked', async () => {
    await server.close();
    await serve({ headMs: 300, requestMs: 600 });
    expect(await received(await raw())).toMatch(/^HTTP\/1\.1 408 /);
    expect((await ask('/v1/ports', bearer(token.value))).status).toBe(200);
  });
});

describe('the event stream at a TCP port', () => {
  function open(protocols: string[], headers: Headers = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/v1/events`, protocols, { headers });
      socket.once('unexpected-response', (_request, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      socket.once('open', () => {
        socket.terminate();
        resolve(101);
      });
      socket.once('error', reject);
    });
  }

  const withToken = ['mobyvm.v1', `mobyvm.token.${token.value}`];

  test('takes the token as a subprotocol, as browsers can send it', async () => {
    expect(await open(withToken, { Origin: `http://127.0.0.1:${server.port}` })).toBe(101);
  });

  test.each([
    ['without a token', ['mobyvm.v1'], {}, 401],
    ['with a wrong token', ['mobyvm.v1', 'mobyvm.token.wrong'], {}, 401],
    ['from another page', withToken, { Origin: 'http://evil.example' }, 403],
    ['under another name', withToken, { Host: 'evil.example' }, 403],
  ] as const)('is refused %s', async (_what, protocols, headers, status) => {
    expect(await open([...protocols], headers)).toBe(status);
  });

  test('is refused while there are too many', async () => {
    await server.close();
    await serve({ streams: 0 });
    expect(await open(withToken)).toBe(503);
  });
});

describe('the token', () => {
  test('of the daemon before is exchanged for the present one, and good for nothing else', async () => {
    await server.close();
    const present = new AccessToken(token.digest);
    await serve({}, present);
    const old = bearer(token.value);
    expect((await ask('/v1/ports', old)).status).toBe(401);
    const answer = await ask('/v1/token', old, { method: 'POST' });
    expect(answer).toMatchObject({ status: 200, text: JSON.stringify({ token: present.value }) });
  });

  test('of the daemon before is refused after some minutes', () => {
    let nowMs = 0;
    const present = new AccessToken(token.digest, () => nowMs);
    expect(present.acceptsForExchange(token.value)).toBe(true);
    nowMs = 11 * 60_000;
    expect(present.acceptsForExchange(token.value)).toBe(false);
    expect(present.acceptsForExchange(present.value)).toBe(true);
  });

  test('differs from one daemon to the next', () => {
    expect(new AccessToken(undefined).value).not.toBe(token.value);
  });
});
