import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { silentLogger, type LocalListener, type LogFields } from '../../../src/core/host/index.js';
import { ERROR } from '../../../src/windows/error-codes.js';
import { until } from '../../support/engine-sockets.js';
import { MemoryPipes, type PipeClient } from '../../support/memory-pipe.js';

const ADDRESS = String.raw`\\.\pipe\mobyvm_test`;

interface Pair extends AsyncDisposable {
  readonly pipes: MemoryPipes;
  readonly listener: LocalListener;
  readonly client: PipeClient;
  readonly server: Duplex;
}

async function pair(): Promise<Pair> {
  const pipes = new MemoryPipes();
  const accepted: Duplex[] = [];
  const listener = await pipes.listen({
    address: ADDRESS,
    access: { kind: 'owner only' },
    logger: silentLogger,
    onConnection: (stream) => void accepted.push(stream),
  });
  const client = await pipes.connect(ADDRESS);
  await until('it is accepted', () => accepted.length > 0);
  const server = accepted[0]!;
  return { pipes, listener, client, server, [Symbol.asyncDispose]: () => listener.close() };
}

async function all(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

describe('a connection of a named pipe', () => {
  it('sends what is written from a drain event once', async () => {
    await using both = await pair();
    const { client, server } = both;
    const sent = Buffer.from(Array.from({ length: 4 * 1024 * 1024 }, (_, index) => index % 251));
    let offset = 0;
    const write = (): void => {
      while (offset < sent.length) {
        const chunk = sent.subarray(offset, offset + 100_000);
        offset += chunk.length;
        if (!server.write(chunk)) {
          server.once('drain', write);
          return;
        }
      }
      server.end();
    };
    write();
    expect((await all(client)).equals(sent)).toBe(true);
  });

  it('takes one large message in parts, and the end that follows it', async () => {
    await using both = await pair();
    const sent = Buffer.alloc(1024 * 1024, 'abc');
    both.client.end(sent);
    expect((await all(both.server)).equals(sent)).toBe(true);
    both.server.end('answer');
    expect((await all(both.client)).toString()).toBe('answer');
  });

  it('drops what a client sends after its end, and sees it close', async () => {
    await using both = await pair();
    const { client, server } = both;
    client.write('input');
    client.write(Buffer.alloc(0));
    client.write('more');
    expect((await all(server)).toString()).toBe('input');
    client.destroy();
    await until('it is closed', () => server.closed);
  });

  it('fails a write with EPIPE if the client has gone', async () => {
    await using both = await pair();
    const failed = once(both.server, 'error');
    both.client.destroy();
    both.server.write('x');
    const [error] = (await failed) as [NodeJS.ErrnoException];
    expect(error).toMatchObject({ code: 'EPIPE', windowsCode: ERROR.noData });
    expect(error.message).toContain('WriteFile failed with error 232');
  });

  it('lets the event loop run while a client writes without pause', async () => {
    await using both = await pair();
    const { client, server } = both;
    // The listener closes while the last write is under way.
    client.on('error', () => undefined);
    let isWriting = true;
    let turns = 0;
    const feed = (): void => {
      if (isWriting) client.write(Buffer.alloc(32 * 1024), feed);
    };
    feed();
    server.resume();
    await until('many turns have passed', () => ++turns > 20);
    isWriting = false;
    expect(server.destroyed).toBe(false);
  });

  it('can be destroyed while it reads and writes', async () => {
    await using both = await pair();
    both.server.resume();
    const written = new Promise((resolve) => both.server.write(Buffer.alloc(1024 * 1024), resolve));
    both.server.destroy();
    expect(await written).toBeInstanceOf(Error);
    await until('it is closed', () => both.server.closed);
    expect(both.listener.connections).toBe(0);
  });
});

describe('the listener of a named pipe', () => {
  const options = { access: { kind: 'owner only' } as const, logger: silentLogger };

  it('serves more clients than may wait at once', async () => {
    const pipes = new MemoryPipes([], 20);
    const listener = await pipes.listen({
      ...options,
      address: ADDRESS,
      onConnection: (stream) => void stream.pipe(stream),
    });
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const client = await pipes.connect(ADDRESS);
        client.end(`client ${index}`);
        return (await all(client)).toString();
      }),
    );
    expect(clients).toEqual(clients.map((_, index) => `client ${index}`));
    await listener.close();
  });

  it('logs an instance that cannot be created, and tries again later', async () => {
    const pipes = new MemoryPipes();
    const errors: (LogFields | undefined)[] = [];
    const listener = await pipes.listen({
      ...options,
      address: ADDRESS,
      logger: { ...silentLogger, error: (_event, fields) => errors.push(fields) },
      onConnection: (stream) => void stream.pipe(stream),
    });
    pipes.system.failure = ERROR.accessDenied;
    await pipes.connect(ADDRESS);
    await until('it is logged', () => errors.length > 0);
    expect(errors[0]).toMatchObject({ address: ADDRESS, errno: 'EACCES' });
    pipes.system.failure = undefined;
    // More than are waiting still, and all stay open.
    const clients: PipeClient[] = [];
    for (let index = 0; index < 20; index++) clients.push(await pipes.connect(ADDRESS));
    await listener.close();
    for (const client of clients) client.destroy();
  });

  it('waits for the clients of a server that has ended to close their ends', async () => {
    const pipes = new MemoryPipes();
    const former = await pipes.listen({ ...options, address: ADDRESS, onConnection: () => undefined });
    const client = await pipes.connect(ADDRESS);
    await former.close();
    setTimeout(() => client.destroy(), 200);
    const listener = await pipes.listen({ ...options, address: ADDRESS, onConnection: () => undefined });
    await listener.close();
  });

  it('says what to do if a pipe stays in use without a server', async () => {
    const pipes = new MemoryPipes();
    const former = await pipes.listen({ ...options, address: ADDRESS, onConnection: () => undefined });
    const client = await pipes.connect(ADDRESS);
    await former.close();
    await expect(
      pipes.listen({ ...options, address: ADDRESS, onConnection: () => undefined }),
    ).rejects.toMatchObject({
      code: 'MOBYVM_ENDPOINT_IN_USE',
      message: `"${ADDRESS}" is in use by another program.`,
    });
    client.destroy();
  });

  it.each(['mobyvm_engine', String.raw`\\server\pipe\mobyvm`, String.raw`\\.\pipe\a\b`, '/run/docker.sock'])(
    'refuses %s, which is not a local pipe',
    async (address) => {
      const listening = new MemoryPipes().listen({ ...options, address, onConnection: () => undefined });
      await expect(listening).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
    },
  );

  it('refuses a name that is too long', async () => {
    const address = `${ADDRESS}${'x'.repeat(250)}`;
    const listening = new MemoryPipes().listen({ ...options, address, onConnection: () => undefined });
    await expect(listening).rejects.toMatchObject({ code: 'MOBYVM_SETTINGS' });
  });

  it('adds groups and users to the access list without the right to serve the pipe', async () => {
    const pipes = new MemoryPipes(['docker-users']);
    const listener = await pipes.listen({
      ...options,
      address: ADDRESS,
      access: { kind: 'group', name: 'docker-users' },
      onConnection: () => undefined,
    });
    expect(pipes.system.accessList(ADDRESS)).toBe(
      'D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;0x12019b;;;S-1-5-21-1-2-3-1000)',
    );
    await listener.close();
  });
});
