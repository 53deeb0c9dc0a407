import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import { followContainers } from '../../src/proxy/index.js';

/** An engine that the test answers for. */
let server: ReturnType<typeof createServer>;
let requests: string[] = [];
let responses: ServerResponse[] = [];

beforeEach(async () => {
  requests = [];
  responses = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    responses.push(response);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const until = (title: string, check: () => boolean): Promise<void> =>
  waitFor(
    { title, timeoutSeconds: 120, hint: '', everyMs: 10, check: () => Promise.resolve(check()) },
    new AbortController().signal,
  );

describe("the engine's events", () => {
  test('are followed until the engine ends them, each as a change', async () => {
    let changes = 0;
    const { port } = server.address() as AddressInfo;
    const followed = followContainers({
      dial: () => Promise.resolve(connect({ port, host: '127.0.0.1', allowHalfOpen: true })),
      onChange: () => (changes += 1),
      signal: new AbortController().signal,
    });
    await until('the beginning', () => changes === 1);
    expect(decodeURIComponent(requests[0] ?? '')).toBe(
      '/events?filters={"type":["container"],"event":["start","die"]}',
    );
    responses[0]?.write('{"Action":"start"}\n');
    await until('the event', () => changes === 2);
    responses[0]?.end();
    await followed;
    expect(changes).toBe(2);
  });

  test('are no longer followed when the signal aborts', async () => {
    const end = new AbortController();
    const { port } = server.address() as AddressInfo;
    let changes = 0;
    const followed = followContainers({
      dial: () => Promise.resolve(connect({ port, host: '127.0.0.1', allowHalfOpen: true })),
      onChange: () => (changes += 1),
      signal: end.signal,
    });
    await until('the beginning', () => changes === 1);
    end.abort();
    await expect(followed).rejects.toThrow();
    await until('the end of the connection', () => responses[0]?.closed === true);
  });
});
