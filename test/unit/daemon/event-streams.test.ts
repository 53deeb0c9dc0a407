import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ControlClient } from '../../../src/cli/control-client.js';
import { silentLogger } from '../../../src/core/host/index.js';
import { controlApi } from '../../../src/daemon/control/control-api.js';
import { startControlServer, type ControlServer } from '../../../src/daemon/control/server.js';
import { RecentRecords } from '../../../src/daemon/recent-records.js';
import { serverEvent, type ServerEvent } from '../../../src/protocol/control-events.js';
import { LINUX_RIGHTS } from '../../support/cli-context.js';
import { apiOptions, controlledMachine, serveControl } from '../../support/control-server.js';
import { machineWith } from '../../support/fake-machine.js';
import { MemoryPipes } from '../../support/memory-pipe.js';

let folder = '';
let path = '';
let server: ControlServer | undefined;
const sockets: WebSocket[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-events-'));
  path = join(folder, 'control.sock');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

/** A client that keeps what it gets. */
async function follow(watch: readonly string[]) {
  const socket = new WebSocket('ws://localhost/v1/events', 'mobyvm.v1', {
    createConnection: () => connect({ path }),
  });
  sockets.push(socket);
  const events: ServerEvent[] = [];
  let arrived: () => void = () => undefined;
  socket.on('message', (data: Buffer) => {
    events.push(serverEvent.parse(JSON.parse(data.toString())));
    arrived();
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ watch }));
  const until = async (isWanted: (event: ServerEvent) => boolean): Promise<ServerEvent> => {
    for (;;) {
      const found = events.find(isWanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (arrived = resolve));
    }
  };
  return { socket, events, until };
}

describe('a client of the event stream', () => {
  test('gets the present state of what it watches, and each change once', async () => {
    const { machine, operate } = machineWith();
    server = await serveControl(path, { machine });
    const { events, until } = await follow(['status']);
    await until((event) => event.type === 'status' && event.status.state === 'absent');
    await operate('up');
    await until((event) => event.type === 'status' && event.status.state === 'running');
    const states = events.flatMap((event) => (event.type === 'status' ? [JSON.stringify(event)] : []));
    expect(new Set(states).size).toBe(states.length);
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['hello', 'watching']);
  });

  test('gets the latest log records first, then every further one', async () => {
    const recent = new RecentRecords();
    recent.add('info', 'daemon.started', { pid: 7, namespace: undefined });
    server = await serveControl(path, { recent });
    const { until } = await follow(['log']);
    const first = await until(({ type }) => type === 'log');
    expect(first).toMatchObject({
      isFirst: true,
      records: [{ event: 'daemon.started', fields: { pid: 7 } }],
    });
    recent.add('warn', 'dns.server.failed', {});
    const next = await until((event) => event.type === 'log' && !event.isFirst);
    expect(next).toMatchObject({ records: [{ event: 'dns.server.failed' }] });
  });

  test('gets no console line twice, and none is lost, while the first ones are read', async () => {
    let print: (line: string) => void = () => undefined;
    const machine = controlledMachine({
      console: {
        onLine: (listener) => {
          print = listener;
          return () => undefined;
        },
        tail: () => {
          print('b');
          print('c');
          return Promise.resolve(['a', 'b']);
        },
      },
    });
    server = await serveControl(path, { machine });
    const { events, until } = await follow(['console']);
    await until((event) => event.type === 'console' && !event.isFirst);
    expect(events.flatMap((event) => (event.type === 'console' ? event.lines : []))).toEqual(['a', 'b', 'c']);
  });

  test('is told why there is nothing about a topic', async () => {
    server = await serveControl(path);
    const { until } = await follow(['dns']);
    expect(await until(({ type }) => type === 'unavailable')).toMatchObject({
      topic: 'dns',
      error: { code: 'MOBYVM_DNS_SERVER' },
    });
  });

  test.each([
    ['text that is no JSON', 'watch'],
    ['an unknown topic', '{"watch":["passwords"]}'],
    ['a long message', `{"watch":["${'x'.repeat(5_000)}"]}`],
  ])('that sends %s is disconnected', async (_what, text) => {
    server = await serveControl(path);
    const { socket } = await follow([]);
    const closed = once(socket, 'close');
    socket.send(text);
    expect((await closed)[0]).toBeGreaterThanOrEqual(1008);
  });

  test('gets the present state at once, not when it is next looked at', async () => {
    const timers = vi.spyOn(globalThis, 'setInterval').mockReturnValue(0 as unknown as NodeJS.Timeout);
    server = await serveControl(path, { machine: controlledMachine({ usage: () => Promise.resolve({}) }) });
    const { until } = await follow(['usage']);
    expect(await until(({ type }) => type === 'usage')).toEqual({ type: 'usage', usage: {} });
    expect(timers).toHaveBeenCalled();
  });

  test('leaves nothing that runs behind', async () => {
    let watchers = 0;
    const machine = controlledMachine({
      status: () => Promise.reject(new TypeError('not known')),
      onStatusChange: () => {
        watchers += 1;
        return () => void (watchers -= 1);
      },
    });
    server = await serveControl(path, { machine });
    const { socket, until } = await follow(['status']);
    await until(({ type }) => type === 'unavailable');
    expect(watchers).toBe(1);
    socket.send('{"watch":[]}');
    await until((event) => event.type === 'watching' && event.topics.length === 0);
    expect(watchers).toBe(0);
  });
});

test('the event stream works over named pipes, which are Duplexes and nothing more', async () => {
  const pipes = new MemoryPipes();
  const address = String.raw`\\.\pipe\mobyvm_control`;
  const { machine, operate } = machineWith();
  const api = controlApi(apiOptions({ machine }));
  const openShell = () => Promise.reject(new TypeError('not asked here'));
  server = await startControlServer({ listen: pipes.listen, address, api, openShell, logger: silentLogger });
  const pipe = await pipes.connect(address);
  const socket = new WebSocket('ws://localhost/v1/events', 'mobyvm.v1', {
    createConnection: () => pipe as unknown as ReturnType<typeof connect>,
  });
  sockets.push(socket);
  const states = new Set<string>();
  const isRunning = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const event = serverEvent.parse(JSON.parse(data.toString()));
      if (event.type !== 'status') return;
      states.add(event.status.state);
      if (event.status.state === 'running') resolve();
    });
  });
  await once(socket, 'open');
  socket.send('{"watch":["status"]}');
  await operate('up');
  await isRunning;
  const closed = once(socket, 'close');
  socket.close();
  expect(await closed).toEqual([1005, Buffer.alloc(0)]);
  expect(server.clients).toBe(0);
});

describe('a command of another version', () => {
  test.each([
    ['watches the status by the old request', 'GET /v1/status/watch', undefined, 404],
    [
      'starts an operation without an id',
      'POST /v1/operations/up',
      { requester: { pid: 1, command: 'mobyvm up' } },
      400,
    ],
  ])('that %s is told which version the daemon has', async (_what, route, body, status) => {
    const [method, asked] = route.split(' ');
    server = await serveControl(path);
    const { request } = await import('node:http');
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = request({ socketPath: path, method, path: asked }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.once('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({
      error: {
        code: 'MOBYVM_CONTROL_API',
        remedy: expect.stringMatching(/same version as the daemon \(\d+\.\d+\.\d+\)/) as string,
      },
    });
  });

  test('gets the error of a daemon that has no event stream', async () => {
    const { createServer } = await import('node:http');
    const error = { code: 'MOBYVM_CONTROL_API', message: 'no "GET /v1/events"', remedy: 'Use', details: {} };
    const old = createServer((_request, response) => response.writeHead(409).end(JSON.stringify({ error })));
    await new Promise<void>((resolve) => old.listen(path, resolve));
    try {
      const statuses = new ControlClient(path, LINUX_RIGHTS).watchStatus(new AbortController().signal);
      await expect(statuses.next()).rejects.toMatchObject({ code: 'MOBYVM_CONTROL_API' });
    } finally {
      old.closeAllConnections();
      await new Promise((resolve) => old.close(resolve));
    }
  });
});
