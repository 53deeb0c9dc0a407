import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  silentLogger,
  type HangupProbe,
  type ListenLocally,
  type LocalAccess,
  type LocalListener,
  type LocalListenerOptions,
} from '../../src/core/host/index.js';
import { until } from '../support/engine-sockets.js';

export interface LocalListenerHarness extends AsyncDisposable {
  readonly listen: ListenLocally;
  readonly address: string;
  /** A client that may be half-closed. */
  connect(): Promise<Duplex>;
  /** Whether a connection stays open for the client's bytes after the server has ended its side. */
  readonly hasServerHalfClose: boolean;
  /** Deletes the endpoint behind the listener's back; undefined if that is impossible. */
  readonly deleteEndpoint?: () => Promise<void>;
  /** A group that exists and that the endpoint can be given to. */
  readonly group: string;
  /** Who may connect now, as the system sees it. */
  access(): Promise<LocalAccess>;
}

type Make = () => Promise<LocalListenerHarness>;

interface Accepted {
  readonly stream: Duplex;
  readonly probe: HangupProbe | undefined;
}

/** Every implementation of ListenLocally has to pass this. */
export function describeLocalListener(name: string, make: Make): void {
  describe(`${name} keeps to the local listener contract`, () => {
    describeStreams(make);
    describeEnds(make);
    describeEndpoint(make);
    describeAccess(make);
  });
}

function describeStreams(make: Make): void {
  it('carries all bytes both ways', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    client.write(Buffer.from([0, 255, 10, 13]));
    server.stream.write(Buffer.from([13, 10, 255, 0]));
    expect(await read(server.stream, 4)).toEqual(Buffer.from([0, 255, 10, 13]));
    expect(await read(client, 4)).toEqual(Buffer.from([13, 10, 255, 0]));
  });

  it('keeps bytes that arrive before anything reads', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const client = await harness.connect();
    client.write('early ');
    const server = await listening.accepted();
    client.end('bytes');
    expect(await readToEnd(server.stream)).toBe('early bytes');
  });

  it.each(['server', 'client'] as const)('waits while the %s does not read', async (reader) => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    const [from, to] = reader === 'client' ? [server.stream, client] : [client, server.stream];
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let written = 0;
    while (from.write(chunk)) written += chunk.length;
    written += chunk.length;
    expect(from.writableNeedDrain).toBe(true);
    const drained = once(from, 'drain');
    expect((await read(to, written)).length).toBe(written);
    await drained;
  });

  it('carries megabytes through small buffers unchanged', async () => {
    await using harness = await make();
    await using listening = await listen(harness, { highWaterMark: 16 * 1024 });
    const { client, server } = await listening.pair();
    server.stream.on('data', (chunk: Buffer) => {
      if (!server.stream.write(chunk)) server.stream.pause();
    });
    server.stream.on('drain', () => server.stream.resume());
    const sent = Buffer.alloc(4 * 1024 * 1024, 'the quick brown fox ');
    client.write(sent);
    expect((await read(client, sent.length)).equals(sent)).toBe(true);
  });

  it('serves many clients at once and counts them', async () => {
    await using harness = await make();
    await using listening = await listen(harness, { onConnection: (stream) => stream.pipe(stream) });
    expect(listening.listener.connections).toBe(0);
    const clients = await Promise.all(Array.from({ length: 100 }, () => harness.connect()));
    await until('all are counted', () => listening.listener.connections === 100);
    const answers = clients.map(async (client, index) => {
      client.end(`client ${index}`);
      return readToEnd(client);
    });
    expect(await Promise.all(answers)).toEqual(clients.map((_, index) => `client ${index}`));
    await until('none is left', () => listening.listener.connections === 0);
  });
}

function describeEnds(make: Make): void {
  it('lets a client end its input and read the answer', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    client.end('question');
    expect(await readToEnd(server.stream)).toBe('question');
    server.stream.end('answer');
    expect(await readToEnd(client)).toBe('answer');
    await closed(server.stream);
  });

  it('delivers everything that was written before the server ended', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    const sent = 'x'.repeat(1024 * 1024);
    server.stream.end(sent);
    expect(await readToEnd(client)).toBe(sent);
    if (!harness.hasServerHalfClose) {
      await closed(server.stream);
      return;
    }
    client.end('more');
    expect(await readToEnd(server.stream)).toBe('more');
  });

  it('writes nothing, and no end, for a chunk of zero bytes', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    server.stream.write(Buffer.alloc(0));
    server.stream.write('a');
    server.stream.write(Buffer.alloc(0));
    server.probe?.(server.stream);
    server.stream.end('b');
    expect(await readToEnd(client)).toBe('ab');
  });

  it('closes the stream when the client has gone', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    server.stream.resume();
    client.destroy();
    await once(server.stream, 'end');
    // A client that is gone looks like one that waits for the answer, until it is probed.
    server.probe?.(server.stream);
    await closed(server.stream);
    await until('it is no longer counted', () => listening.listener.connections === 0);
  });

  it('keeps a client that has ended its input while it is probed', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    client.end();
    await readToEnd(server.stream);
    server.probe?.(server.stream);
    server.stream.end('still here');
    expect(await readToEnd(client)).toBe('still here');
  });
}

function describeEndpoint(make: Make): void {
  it('refuses a second listener at the same address', async () => {
    await using harness = await make();
    await using listening = await listen(harness, { onConnection: (stream) => stream.pipe(stream) });
    await expect(listen(harness)).rejects.toMatchObject({ code: 'MOBYVM_ENDPOINT_IN_USE' });
    const client = await harness.connect();
    client.end('still the first');
    expect(await readToEnd(client)).toBe('still the first');
    expect(listening.listener.address).toBe(harness.address);
  });

  it('is recreated when it was deleted, without touching open connections', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { listener } = listening;
    expect(await listener.restore()).toBe(false);
    const before = await listening.pair();
    await harness.deleteEndpoint?.();
    expect(await listener.restore()).toBe(harness.deleteEndpoint !== undefined);
    expect(await listener.restore()).toBe(false);
    const after = await listening.pair();
    expect(listener.connections).toBe(2);
    for (const { client, server } of [before, after]) {
      client.end('open');
      expect(await readToEnd(server.stream)).toBe('open');
    }
    await listener.close();
    expect(await listener.restore()).toBe(false);
    await expect(harness.connect()).rejects.toThrow();
  });

  it('destroys open connections at close, and frees its address', async () => {
    await using harness = await make();
    await using listening = await listen(harness);
    const { client, server } = await listening.pair();
    await Promise.all([listening.listener.close(), listening.listener.close()]);
    expect(server.stream.closed).toBe(true);
    expect(await readToEnd(client)).toBe('');
    expect(listening.listener.connections).toBe(0);
    await expect(harness.connect()).rejects.toThrow();
    await listening.listener.close();
    await using again = await listen(harness);
    await again.pair();
  });
}

function describeAccess(make: Make): void {
  it('admits the owner only, or a group that exists, also after it was recreated', async () => {
    await using harness = await make();
    const group: LocalAccess = { kind: 'group', name: harness.group };
    for (const access of [{ kind: 'owner only' }, group] as const) {
      await using listening = await listen(harness, { access });
      expect(await harness.access()).toEqual(access);
      await harness.deleteEndpoint?.();
      await listening.listener.restore();
      expect(await harness.access()).toEqual(access);
    }
  });

  it('admits the owner only if the group does not exist', async () => {
    await using harness = await make();
    await using listening = await listen(harness, { access: { kind: 'group', name: 'no-such-group-here' } });
    expect(await harness.access()).toEqual({ kind: 'owner only' });
    await listening.pair();
  });
}

interface Listening extends AsyncDisposable {
  readonly listener: LocalListener;
  /** The next connection that the server has accepted. */
  accepted(): Promise<Accepted>;
  /** A new client and its connection at the server. */
  pair(): Promise<{ readonly client: Duplex; readonly server: Accepted }>;
}

async function listen(
  harness: LocalListenerHarness,
  options: Partial<LocalListenerOptions> = {},
): Promise<Listening> {
  const connections: Accepted[] = [];
  const listener = await harness.listen({
    address: harness.address,
    access: { kind: 'owner only' },
    onConnection: (stream, probe) => void connections.push({ stream, probe }),
    logger: silentLogger,
    ...options,
  });
  const accepted = async (): Promise<Accepted> => {
    await until('a connection is accepted', () => connections.length > 0);
    return connections.shift()!;
  };
  return {
    listener,
    accepted,
    async pair() {
      const client = await harness.connect();
      return { client, server: await accepted() };
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** Reads that many bytes, and leaves the stream paused. */
function read(stream: Duplex, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < bytes) return;
      stream.off('data', onData).pause();
      resolve(Buffer.concat(chunks));
    };
    stream.on('data', onData);
    stream.once('close', () => reject(new TypeError(`closed after ${length} of ${bytes} bytes`)));
  });
}

/** Not `for await`, which would destroy the stream at the end. */
async function readToEnd(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (!stream.readableEnded) await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}

async function closed(stream: Duplex): Promise<void> {
  await until('the stream is closed', () => stream.closed);
}
