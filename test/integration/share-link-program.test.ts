import { mkdir, mkdtemp, rm, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, silentLogger, waitFor } from '../../src/core/host/index.js';
import { GuestHealth } from '../../src/daemon/shares/guest-health.js';
import { startLinkServer, type LinkServer, type MountHealth } from '../../src/share/index.js';
import { RunningProgram } from '../support/netns-program.js';

/** The guest's program `share-link` against our link server; what is mounted is a list that the test writes. */
const MAKE = resolve(import.meta.dirname, '../../guest/build/make-share-link');
const TOKEN = 'token-of-the-link-test';
const never = new AbortController().signal;
let folder = '';
let program = '';
let server: LinkServer;
let health: GuestHealth;
let link: RunningProgram;
let reported: Map<string, MountHealth>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-share-link-'));
  program = join(folder, 'share-link');
  await run(MAKE, [program]);
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  await rm(join(folder, 'run'), { recursive: true, force: true });
  await mkdir(join(folder, 'run/shares'), { recursive: true });
  await writeFile(join(folder, 'run/token'), `${TOKEN}\n`);
  await writeFile(join(folder, 'run/lease'), '127.0.0.2 8 127.0.0.1\n');
  await writeFile(join(folder, 'mountinfo'), '');
  await share('C', folder);
  await mounted(folder);
  await startServer(0);
  link = new RunningProgram(program, [], {
    MOBYVM_RUN: join(folder, 'run'),
    MOBYVM_MOUNTINFO: join(folder, 'mountinfo'),
    MOBYVM_SHARE_HOST_PORT: String(server.port),
  });
});
afterEach(async () => {
  await link.stop();
  await server.close();
});

async function startServer(port: number): Promise<void> {
  health = new GuestHealth(silentLogger);
  reported = new Map();
  health.onHealth((id, each) => reported.set(id, each));
  server = await startLinkServer({
    address: '127.0.0.1',
    port,
    token: () => TOKEN,
    onLink: (each) => health.attach(each),
    logger: silentLogger,
  });
}

async function share(id: string, point: string): Promise<void> {
  await mkdir(join(folder, 'run/shares', id), { recursive: true });
  await writeFile(join(folder, 'run/shares', id, 'points'), `${point}\n`);
}

/** Replaces the list of mounts, as a whole. */
async function mounted(...points: readonly string[]): Promise<void> {
  const lines = points.map(
    (point) => `1 2 0:3 / ${point.replaceAll(' ', '\\040')} rw - cifs //10.0.75.1/C rw\n`,
  );
  await writeFile(join(folder, 'mountinfo.new'), lines.join(''));
  await rename(join(folder, 'mountinfo.new'), join(folder, 'mountinfo'));
}

async function changed(): Promise<void> {
  await writeFile(join(folder, 'run/shares/changed'), '');
}

function untilReported(id: string, kind: MountHealth['kind']): Promise<void> {
  return waitFor(
    {
      title: `${id} to be ${kind}`,
      timeoutSeconds: 120,
      hint: '',
      everyMs: 20,
      check: () => Promise.resolve(reported.get(id)?.kind === kind),
    },
    never,
  );
}

describe('the program share-link', () => {
  test('reports every share when it has connected', async () => {
    await untilReported('C', 'mounted');
  });

  test('reports a share that was mounted, and one that is gone, after a change', async () => {
    await untilReported('C', 'mounted');
    const other = join(folder, 'with a blank');
    await mkdir(other, { recursive: true });
    await share('D', other);
    await mounted(other);
    await changed();
    await untilReported('D', 'mounted');
    await untilReported('C', 'absent');
  });

  test('reports why a mount does not work', async () => {
    await share('missing', join(folder, 'missing'));
    await mounted(join(folder, 'missing'));
    await changed();
    await untilReported('missing', 'broken');
    expect(reported.get('missing')).toEqual({ kind: 'broken', errno: 2 });
  });

  test('answers probes, also about shares that it does not know', async () => {
    await untilReported('C', 'mounted');
    expect(await Promise.all(['C', 'unknown', 'C'].map((id) => health.probe(id, never)))).toEqual([
      { kind: 'mounted' },
      { kind: 'absent' },
      { kind: 'mounted' },
    ]);
  });

  test('connects again, and reports again, when the host was restarted', async () => {
    await untilReported('C', 'mounted');
    const { port } = server;
    await server.close();
    await startServer(port);
    await untilReported('C', 'mounted');
  });

  test('runs once', async () => {
    await untilReported('C', 'mounted');
    await run(program, [], { env: { MOBYVM_RUN: join(folder, 'run') } });
    expect(link.ended).toBe(false);
  });
});

describe('share-link reach', () => {
  const reach = async (port: number): Promise<string> => {
    const { stdout } = await run(program, ['reach', '127.0.0.1', String(port)], { acceptExitCodes: [0, 1] });
    return stdout;
  };

  async function listening(
    answer: ((request: Buffer) => Buffer | undefined) | undefined,
    work: (port: number) => Promise<void>,
  ): Promise<void> {
    const listener = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', (request) => {
        const bytes = answer?.(request);
        if (bytes !== undefined) socket.end(bytes);
        else if (answer !== undefined) socket.destroy();
      });
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    try {
      await work(typeof address === 'object' && address !== null ? address.port : 0);
    } finally {
      listener.close();
    }
  }

  test('takes any SMB answer for a server that works', () =>
    listening(
      (request) => (request.subarray(4, 8).equals(Buffer.from('\xfeSMB', 'latin1')) ? request : undefined),
      async (port) => expect(await reach(port)).toBe('ok\n'),
    ));

  test('reports a server that does not answer', () =>
    listening(undefined, async (port) => expect(await reach(port)).toMatch(/^negotiate 0 /)));

  test('reports a server that closes the connection', () =>
    listening(
      () => undefined,
      async (port) => expect(await reach(port)).toMatch(/^negotiate 104 /),
    ));

  test('reports a server of another kind', () =>
    listening(
      () => Buffer.from('HTTP/1.0 400 Bad Request\r\n\r\n'),
      async (port) => expect(await reach(port)).toMatch(/^negotiate 71 /),
    ));

  test('reports a port on which nothing listens', async () => {
    let free = 0;
    await listening(undefined, (port) => Promise.resolve(void (free = port)));
    expect(await reach(free)).toMatch(/^tcp 111 /);
  });
});
