import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { CommandContext, DaemonProgram } from '../../../src/cli/context.js';
import { down } from '../../../src/cli/down.js';
import { kvpList, kvpRemove } from '../../../src/cli/kvp.js';
import { restart } from '../../../src/cli/restart.js';
import { status } from '../../../src/cli/status.js';
import { uninstall } from '../../../src/cli/uninstall.js';
import { up } from '../../../src/cli/up.js';
import { MobyvmError } from '../../../src/core/values/index.js';
import { EVENTS_PATH } from '../../../src/protocol/event-stream.js';
import { linuxPaths } from '../../../src/protocol/paths.js';
import { commandContext, NO_DAEMON, printedBy } from '../../support/cli-context.js';

/** The control API of a daemon, as far as commands use it; keeps what it was asked. */
class FakeDaemon {
  readonly requests: string[] = [];
  readonly bodies: unknown[] = [];
  readonly #server: Server;
  readonly #streams: WebSocketServer;
  namespace: string | undefined;
  isEngineReachable = true;
  /** Of every operation. */
  failure: { readonly code: string; readonly message: string } | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      const route = `${request.method ?? ''} ${request.url ?? ''}`;
      this.requests.push(route);
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const id = body === '' ? undefined : this.#take(JSON.parse(body));
        response.end(this.#answer(route));
        this.#report(route, id);
        if (route === 'POST /v1/exit') this.#server.close();
      });
    });
    this.#streams = new WebSocketServer({ server: this.#server, path: EVENTS_PATH });
    this.#streams.on('connection', (client) =>
      client.on('message', () => client.send('{"type":"watching","topics":["operation"]}')),
    );
  }

  /** @returns the id in the body, which is a new one each time, and keeps the rest */
  #take(body: unknown): unknown {
    if (typeof body !== 'object' || body === null || !('id' in body)) return void this.bodies.push(body);
    const { id, ...rest } = body;
    this.bodies.push(rest);
    return id;
  }

  get isServing(): boolean {
    return this.#server.listening;
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => this.#server.listen(path, resolve));
  }

  close(): void {
    for (const client of this.#streams.clients) client.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #report(route: string, id: unknown): void {
    const operation = operationIn(route);
    if (operation === undefined) return;
    const event =
      this.failure === undefined
        ? { event: 'operation.done', operation, durationMs: 1 }
        : {
            event: 'operation.failed',
            operation,
            durationMs: 1,
            error: { ...this.failure, remedy: '', details: {} },
          };
    for (const client of this.#streams.clients) client.send(JSON.stringify({ type: 'operation', id, event }));
  }

  #answer(route: string): string {
    const daemon = {
      pid: 7,
      version: '0.1.0',
      startedAt: '2026-11-26T09:59:00.000Z',
      isBackground: true,
      stateDir: '/s',
      logDir: '/l',
      settingsFile: '/settings.json',
    };
    if (operationIn(route) !== undefined) return '{"id":"00000000-0000-4000-8000-000000000000"}';
    if (route === 'GET /v1/daemon')
      return JSON.stringify({ state: 'stopped', namespace: this.namespace, daemon });
    if (route === 'GET /v1/kvp/host')
      return JSON.stringify({ items: [{ name: 'a', value: '1', isSecret: false }], unreadable: 0 });
    if (route !== 'GET /v1/status') return '{}';
    return JSON.stringify({
      state: 'running',
      since: '2026-11-26T09:59:00.000Z',
      daemon,
      vm: { driver: 'qemu', state: 'running', machineId: 'x' },
      network: { name: 'mobyvm0', mac: 'x', vmAddress: '10.0.75.2' },
      engine: { endpoint: '/run/a b/docker.sock', reachable: this.isEngineReachable, version: '29.0.0' },
    });
  }
}

function operationIn(route: string): string | undefined {
  return /^POST \/v1\/operations\/([a-z]+)$/.exec(route)?.[1];
}

let folder = '';
let server: FakeDaemon;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-asks-'));
  server = new FakeDaemon();
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function instance(changes: Partial<CommandContext> = {}, program: Partial<DaemonProgram> = {}) {
  const { lines, terminal } = printedBy();
  const paths = linuxPaths({ MOBYVM_RUN_DIR: folder });
  const isAlive = () => Promise.resolve(server.isServing);
  const holder = () => Promise.resolve(server.isServing ? { pid: 7, startTime: '1' } : undefined);
  const daemon: DaemonProgram = { ...NO_DAEMON, holder, isAlive, ...program };
  return { lines, context: commandContext({ paths, terminal, daemon, ...changes }) };
}

function serve(): Promise<void> {
  return server.listen(join(folder, 'control.sock'));
}

describe('a command sends the daemon each request only once', () => {
  const start = (): Promise<{ failure: () => Promise<undefined> }> =>
    serve().then(() => ({ failure: () => Promise.resolve(undefined) }));

  test.each([
    ['that is running', false],
    ['that has to be started', true],
  ])('up, with a daemon %s', async (_what, isNew) => {
    if (!isNew) await serve();
    const { context, lines } = instance({}, { startInBackground: start });
    expect(await up(context, { namespace: undefined })).toBe(0);
    expect(server.requests).toEqual(['GET /v1/daemon', 'POST /v1/operations/up', 'GET /v1/status']);
    expect(lines).toEqual([
      'mobyvm is up: Docker 29.0.0 at 10.0.75.2.',
      "  export DOCKER_HOST='unix:///run/a b/docker.sock'",
    ]);
  });

  test('down, with a daemon that is running', async () => {
    await serve();
    const { context } = instance();
    expect(await down(context, { stop: false })).toBe(0);
    expect(server.requests).toEqual(['GET /v1/daemon', 'POST /v1/operations/down', 'POST /v1/exit']);
  });

  test.each([
    [
      'says that the data is kept where there is a data disk',
      '/s/vm/data.qcow2',
      'mobyvm is down. Images, containers and volumes are kept.',
    ],
    ['says nothing of data where no up has ever made any', undefined, 'mobyvm is down.'],
  ])('down %s', async (_what, path, line) => {
    await serve();
    const { context, lines } = instance({}, { dataDisk: () => Promise.resolve(path) });
    await down(context, { stop: false });
    expect(lines.at(-1)).toBe(line);
  });

  test('restart', async () => {
    await serve();
    const { context } = instance();
    expect(await restart(context)).toBe(0);
    expect(server.requests).toEqual(['GET /v1/daemon', 'POST /v1/operations/restart']);
  });
});

describe('a daemon that has to be started', () => {
  test('is started again if the daemon that blocked it has exited meanwhile', async () => {
    let starts = 0;
    const { context } = instance(
      {},
      {
        startInBackground: async () => {
          starts += 1;
          if (starts === 2) await serve();
          const failure = new MobyvmError('MOBYVM_DAEMON_RUNNING', 'A daemon is running.', 'Use it.');
          return { failure: () => Promise.resolve(starts === 1 ? failure : undefined) };
        },
      },
    );
    expect(await up(context, { namespace: undefined })).toBe(0);
    expect(starts).toBe(2);
  });

  test('and fails is reported with its error', async () => {
    const failure = new MobyvmError('MOBYVM_STATE_FILE', 'daemon.log cannot be used.', 'Move it.');
    const starting = { failure: () => Promise.resolve(failure) };
    const { context } = instance({}, { startInBackground: () => Promise.resolve(starting) });
    await expect(up(context, { namespace: undefined })).rejects.toBe(failure);
  });

  test('is not started by down when nothing is left to remove', async () => {
    const { context, lines } = instance();
    expect(await down(context, { stop: false })).toBe(0);
    expect(lines).toEqual(['mobyvm is not running.']);
  });

  test('is not used when it runs in another namespace than asked for', async () => {
    server.namespace = 'a';
    await serve();
    await expect(up(instance().context, { namespace: 'b' })).rejects.toMatchObject({
      code: 'MOBYVM_DAEMON_RUNNING',
      message: 'The daemon is running in the network namespace "a", not in "b".',
    });
  });
});

describe('uninstall', () => {
  const withDataDisk = { dataDisk: (stateDir: string) => Promise.resolve(`${stateDir}/vm/data.qcow2`) };
  const answering = (line: string): CommandContext['input'] => ({
    isTerminal: true,
    read: () => Promise.resolve(''),
    readLine: () => Promise.resolve(line),
    readHidden: () => Promise.resolve(''),
  });

  test.each(['n', '', 'no', 'yesterday'])('removes nothing if the answer is "%s"', async (line) => {
    await serve();
    const { context, lines } = instance({ input: answering(line) }, withDataDisk);
    expect(await uninstall(context, { keepData: false, yes: false })).toBe(1);
    expect(lines[0]).toBe('Remove the data disk with all images, containers and volumes? [y/N] ');
    expect(server.requests).toEqual(['GET /v1/daemon']);
  });

  test.each([
    ['the answer is "y"', { keepData: false, yes: false }, false],
    ['--yes is given', { keepData: false, yes: true }, false],
    ['--keep-data is given', { keepData: true, yes: false }, true],
  ])('asks the daemon when %s', async (_when, options, keepData) => {
    await serve();
    const { context } = instance({ input: answering('y') }, withDataDisk);
    expect(await uninstall(context, options)).toBe(0);
    expect(server.requests).toEqual(['GET /v1/daemon', 'POST /v1/operations/uninstall', 'POST /v1/exit']);
    expect(server.bodies).toEqual([{ requester: { pid: 1, command: 'mobyvm' }, keepData }]);
  });

  test.each([
    ['ends a daemon that it has started, even if it fails', true, ['POST /v1/exit']],
    ['leaves a daemon that ran before, if it fails', false, []],
  ])('%s', async (_what, isNew, after) => {
    server.failure = { code: 'MOBYVM_POWERSHELL_START', message: 'no PowerShell' };
    if (!isNew) await serve();
    const startInBackground = () => serve().then(() => ({ failure: () => Promise.resolve(undefined) }));
    const { context } = instance({}, { startInBackground });
    await expect(uninstall(context, { keepData: true, yes: false })).rejects.toThrow('no PowerShell');
    expect(server.requests).toEqual(['GET /v1/daemon', 'POST /v1/operations/uninstall', ...after]);
  });

  test('names the data disk that it keeps, in the state folder of the daemon', async () => {
    await serve();
    const { context, lines } = instance({}, withDataDisk);
    await uninstall(context, { keepData: true, yes: false });
    expect(lines.at(-1)).toBe('mobyvm was uninstalled. The data disk is kept: /s/vm/data.qcow2');
  });

  test('neither asks about a data disk nor says that it is kept where there is none', async () => {
    await serve();
    const { context, lines } = instance({ input: answering('n') });
    expect(await uninstall(context, { keepData: false, yes: false })).toBe(0);
    await serve();
    expect(await uninstall(context, { keepData: true, yes: false })).toBe(0);
    expect(lines.filter((line) => line.includes('data disk'))).toEqual([]);
    expect(lines.at(-1)).toBe('mobyvm was uninstalled.');
  });

  test('needs --yes or --keep-data when it cannot ask', async () => {
    await serve();
    const refused = uninstall(instance().context, { keepData: false, yes: false });
    await expect(refused).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      remedy: expect.stringMatching(/--yes .*--keep-data/) as string,
    });
    expect(server.requests).toEqual([]);
  });
});

describe('items of the host, while no daemon runs', () => {
  const start = (): Promise<{ failure: () => Promise<undefined> }> =>
    serve().then(() => ({ failure: () => Promise.resolve(undefined) }));

  test('are listed by a daemon that is started for it', async () => {
    const { context, lines } = instance({}, { startInBackground: start });
    expect(await kvpList(context, { pool: 'host', json: false })).toBe(0);
    expect(lines).toEqual(['a  1']);
  });

  test('are removed by it (WALinuxAgent#3276)', async () => {
    const { context, lines } = instance({}, { startInBackground: start });
    expect(await kvpRemove(context, 'a')).toBe(0);
    expect(server.requests).toEqual(['GET /v1/daemon', 'GET /v1/kvp/host', 'POST /v1/kvp/remove']);
    expect(lines).toEqual([]);
  });
});

describe('the exit code of status', () => {
  test.each([
    [0, true],
    [1, false],
  ])('is %i when it is %s that the engine answers, whatever the state says', async (code, isReachable) => {
    server.isEngineReachable = isReachable;
    await serve();
    const { context } = instance();
    expect(await status(context, { json: true, watch: false, timings: false, verbose: false })).toBe(code);
  });
});
