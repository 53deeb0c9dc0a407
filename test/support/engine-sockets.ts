import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import { silentLogger, waitFor } from '../../src/core/host/index.js';
import { listenOnUnixSocket } from '../../src/daemon/linux/unix-listener.js';
import {
  startEngineEndpoint,
  type EngineEndpoint,
  type EngineEndpointOptions,
} from '../../src/proxy/engine/index.js';
import { tcpDial } from './engine-dial.js';

export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

/** A folder of this test's own, gone after it. */
export async function testFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), `mobyvm-engine-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A TCP server on loopback that stands for dockerd; `sockets` are the connections that are open now. */
export interface RawEngine extends AsyncDisposable {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
  dial: ReturnType<typeof tcpDial>;
}

export async function rawEngine(onConnection: (socket: Socket) => void): Promise<RawEngine> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sockets,
    dial: tcpDial({ host: '127.0.0.1', port }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** HTTP/2 with prior knowledge: what follows it is carried as it is, both ways. */
export const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** An engine that takes the preface away and hands over what is then a plain connection. */
export function tunnelEngine(onTunnel: (socket: Socket) => void): Promise<RawEngine> {
  return rawEngine((socket) => afterPreface(socket, () => onTunnel(socket)));
}

/** The same for any stream. */
export function afterPreface(stream: Duplex, then: () => void): void {
  let read = Buffer.alloc(0);
  const take = (chunk: Buffer): void => {
    read = Buffer.concat([read, chunk]);
    if (read.length < HTTP2_PREFACE.length) return;
    stream.off('data', take);
    then();
    const rest = read.subarray(HTTP2_PREFACE.length);
    if (rest.length > 0) stream.unshift(rest);
  };
  stream.on('data', take);
}

/** A client's connection that has said the preface. */
export async function connectTunnel(path: string): Promise<Socket> {
  const socket = await connectTo(path);
  socket.write(HTTP2_PREFACE);
  return socket;
}

export interface TestEndpoint extends Omit<EngineEndpoint, 'address' | 'usual'>, AsyncDisposable {
  readonly path: string;
}

export async function testEndpoint(
  folder: TestFolder,
  options: Pick<EngineEndpointOptions, 'availability'> &
    Partial<Omit<EngineEndpointOptions, 'address' | 'listen'>>,
): Promise<TestEndpoint> {
  const endpoint = await startEngineEndpoint({
    listen: listenOnUnixSocket,
    address: join(folder.path, 'docker.sock'),
    access: { kind: 'owner only' },
    logger: silentLogger,
    ...options,
  });
  return {
    path: endpoint.address,
    get stats() {
      return endpoint.stats;
    },
    restore: () => endpoint.restore(),
    close: () => endpoint.close(),
    [Symbol.asyncDispose]: () => endpoint.close(),
  };
}

/** A client's connection that may be half-closed. */
export async function connectTo(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side ends, as text of one character per byte. */
export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

/** Sends one request, reads the answer to its end, and closes. */
export async function ask(path: string, request: string): Promise<string> {
  const socket = await connectTo(path);
  socket.write(request);
  const answer = await readToEnd(socket);
  socket.destroy();
  return answer;
}

/** Polls until it holds; a test that would wait forever fails with the title. */
export async function until(title: string, holds: () => boolean): Promise<void> {
  await waitFor(
    {
      title,
      check: () => Promise.resolve(holds()),
      timeoutSeconds: 120,
      hint: 'See the test.',
      everyMs: 10,
    },
    new AbortController().signal,
  );
}
