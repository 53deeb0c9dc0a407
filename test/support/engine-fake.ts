import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Dial } from '../../src/proxy/engine/index.js';
import { tcpDial } from './engine-dial.js';

export interface FakeEngine extends AsyncDisposable {
  readonly dial: Dial;
  /** `METHOD path` of each request so far. */
  readonly requests: readonly string[];
  readonly sockets: ReadonlySet<Socket>;
}

const JSON_ANSWERS: Readonly<Record<string, unknown>> = {
  '/containers/json': [
    {
      Id: 'c0ffee'.repeat(10),
      Names: ['/web'],
      Image: 'nginx',
      Command: 'nginx',
      Created: 1_700_000_000,
      State: 'running',
      Status: 'Up 2 hours',
      Ports: [],
    },
  ],
  '/containers/web/json': {
    Id: 'c0ffee'.repeat(10),
    Config: { Tty: false },
    State: { Running: true },
  },
  '/containers/web/exec': { Id: 'e1' },
  '/exec/e1/json': { ID: 'e1', Running: false, ExitCode: 0 },
  '/version': {
    Version: '28.2.2-fake',
    ApiVersion: '1.50',
    MinAPIVersion: '1.24',
    Os: 'linux',
    Arch: 'amd64',
    KernelVersion: '6.12.0',
    NewerField: { kept: true },
  },
  '/info': {
    ServerVersion: '28.2.2-fake',
    NCPU: 2,
    MemTotal: 2_000_000_000,
    Containers: 1,
    Driver: 'overlay2',
  },
};

/**
 * As much of a Docker Engine as `docker ps`, `docker version` and `docker exec -i web sort` ask for: exec sorts the
 * lines of its input, so it can say nothing before its input has ended.
 */
export async function fakeEngine(): Promise<FakeEngine> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    answerAsEngine(request, response);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    socket.on('error', () => undefined);
    void sortInput(request, socket, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    dial: tcpDial({ host: '127.0.0.1', port }),
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answerAsEngine(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').replace(/^\/v\d+\.\d+/, '').replace(/\?.*/, '');
  response.setHeader('Api-Version', '1.50');
  response.setHeader('Ostype', 'linux');
  if (path === '/_ping') response.end('OK');
  else if (path in JSON_ANSWERS) {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(JSON_ANSWERS[path]));
  } else {
    response.writeHead(404, { 'Content-Type': 'application/json' });
    response.end('{"message":"page not found"}');
  }
}

/** `head` holds the request's body first: Node does not read the body of an upgrade request. */
async function sortInput(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const bodyLength = Number(request.headers['content-length'] ?? 0);
  socket.write(
    'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n' +
      'Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  );
  const chunks: Uint8Array[] = [head];
  // Not `for await`: it would destroy the socket at the end of the input.
  socket.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  await once(socket, 'end');
  const input = Buffer.concat(chunks).subarray(bodyLength).toString();
  const output = Buffer.from(`${input.trimEnd().split('\n').sort().join('\n')}\n`);
  const frame = Buffer.alloc(8);
  frame[0] = 1; // standard output; the length follows in bytes 4 to 7
  frame.writeUInt32BE(output.length, 4);
  socket.end(Buffer.concat([frame, output]));
}
