import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/core/host/index.js';
import { settableAvailability } from '../support/engine-availability.js';
import {
  ask,
  connectTo,
  rawEngine,
  readToEnd,
  testEndpoint,
  testFolder,
  until,
  type TestEndpoint,
  type TestFolder,
} from '../support/engine-sockets.js';
import { tcpDial } from '../support/engine-dial.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK';

interface Setting extends AsyncDisposable {
  readonly endpoint: TestEndpoint;
  /** Connections to the engine that are open. */
  readonly sockets: ReadonlySet<Socket>;
}

/** An endpoint before an engine that says what `onConnection` says. */
async function rawSetting(onConnection: (socket: Socket) => void): Promise<Setting> {
  const engine = await rawEngine(onConnection);
  return setting(engine.dial, engine.sockets, engine);
}

/** An endpoint before an engine of node:http. */
async function httpSetting(listener: RequestListener): Promise<Setting> {
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return setting(tcpDial({ host: '127.0.0.1', port }), sockets, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

async function setting(
  dial: ReturnType<typeof tcpDial>,
  sockets: ReadonlySet<Socket>,
  engine: AsyncDisposable,
): Promise<Setting> {
  const folder: TestFolder = await testFolder();
  const endpoint = await testEndpoint(folder, {
    availability: settableAvailability({ kind: 'ready', dial }),
  });
  return {
    endpoint,
    sockets,
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      await engine[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Answers each request head that comes by what `answer` says of its number. */
function answering(
  answer: (index: number, socket: Socket, head: string) => string,
): (socket: Socket) => void {
  let index = 0;
  return (socket) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        socket.write(answer((index += 1), socket, head));
      }
    });
    socket.on('end', () => socket.end());
  };
}

async function next(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString('latin1');
}

describe('consecutive requests', () => {
  it('share one connection of the client and one to the engine', async () => {
    let connections = 0;
    await using set = await rawSetting((socket) => {
      connections += 1;
      answering(() => OK)(socket);
    });
    const client = await connectTo(set.endpoint.path);
    for (let count = 0; count < 1_000; count += 1) {
      const answer = next(client);
      client.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await answer).toBe(OK);
    }
    client.destroy();
    expect(connections).toBe(1);
    await until('the client to be gone', () => set.endpoint.stats.open === 0);
    expect(set.endpoint.stats).toMatchObject({ accepted: 1, refused: 0 });
  });

  it('may be sent all at once, and are answered in order', async () => {
    await using set = await httpSetting((incoming, response) => response.end(incoming.url));
    const client = await connectTo(set.endpoint.path);
    client.end(
      ['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('') +
        'GET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    const answers = await readToEnd(client);
    expect([...answers.matchAll(/\r\n\r\n(\/[abcd])/g)].map(([, path]) => path)).toEqual([
      '/a',
      '/b',
      '/c',
      '/d',
    ]);
  });

  it('go to the engine and back byte for byte: order, spelling, chunks, extensions and trailers', async () => {
    const answer =
      'HTTP/1.1 200 Fine\r\nx-B: 1\r\nX-b:2\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n' +
      '3;ext=1\r\nabc\r\n0\r\nSum: 3\r\n\r\n';
    const sent =
      'POST /build?t=a%20b HTTP/1.1\r\nhost: x\r\nX-Odd:  spaced \r\ntransfer-encoding: chunked\r\n\r\n' +
      '2\r\nhi\r\n0\r\nSum: 2\r\n\r\n';
    let received = '';
    await using set = await rawSetting((socket) => {
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
        if (received.endsWith('Sum: 2\r\n\r\n')) socket.write(answer);
      });
    });
    const client = await connectTo(set.endpoint.path);
    client.write(sent);
    expect(await next(client)).toBe(answer);
    expect(received).toBe(sent);
    client.destroy();
  });

  it('use another connection if the engine has closed the kept one', async () => {
    let connections = 0;
    await using set = await rawSetting((socket) => {
      connections += 1;
      answering(() => OK)(socket);
    });
    const client = await connectTo(set.endpoint.path);
    for (let count = 1; count <= 3; count += 1) {
      const answer = next(client);
      client.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await answer).toBe(OK);
      for (const socket of set.sockets) socket.destroy();
      await until('the engine to have closed it', () => set.sockets.size === 0);
    }
    expect(connections).toBe(3);
    client.destroy();
  });

  it('are not lost if the kept connection is dead when they come, safe or not', async () => {
    let taken = '';
    await using set = await rawSetting(
      answering((index, socket, head) => {
        // The first request of each connection is answered, and the second finds it dead.
        if (index === 2 || index === 4) socket.destroy();
        else taken += head.split(' ', 1)[0] ?? '';
        return OK;
      }),
    );
    const client = await connectTo(set.endpoint.path);
    for (const method of ['GET', 'GET', 'POST']) {
      const answer = next(client);
      client.write(`${method} /containers/web/start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
      expect(await answer).toBe(OK);
    }
    client.destroy();
    // The fourth was the question whether the connection is alive.
    expect(taken).toBe('GETGETPOST');
  });

  it('are never sent twice if they are not safe, whatever became of them', async () => {
    let posts = 0;
    await using set = await rawSetting(
      answering((_index, socket, head) => {
        if (head.startsWith('POST')) posts += 1;
        if (head.startsWith('POST')) socket.destroy();
        return head.startsWith('HEAD') ? OK.slice(0, -2) : OK;
      }),
    );
    const client = await connectTo(set.endpoint.path);
    const first = next(client);
    client.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
    await first;
    const answer = next(client);
    client.write('POST /containers/web/start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1.1 502 /);
    expect(posts).toBe(1);
    client.destroy();
  });
});

describe('a request that waits for 100 Continue', () => {
  it('gets it from the engine, then sends its body', async () => {
    await using set = await httpSetting((incoming, response) => {
      void bodyOf(incoming).then((body) => response.end(`got ${body}`));
    });
    const client = await connectTo(set.endpoint.path);
    client.write('POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    expect(await next(client)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.write('body');
    expect(await next(client)).toMatch(/got body/);
    client.destroy();
  });
});

describe('an attach without an upgrade', () => {
  it('becomes a raw stream after the 200, starting with early bytes, whose directions end independently', async () => {
    let received = '';
    await using set = await rawSetting((socket) => {
      socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nhello'),
      );
      socket.on('end', () => socket.end(` after ${received.split('\r\n\r\n')[1] ?? ''}`));
    });
    const client = await connectTo(set.endpoint.path);
    client.write('POST /containers/web/attach HTTP/1.1\r\nHost: x\r\n\r\nearly ');
    client.end('input');
    expect(await readToEnd(client)).toMatch(/\r\n\r\nhello after early input$/);
    await until('both sides to be closed', () => set.endpoint.stats.open === 0 && set.sockets.size === 0);
  });
});

describe('a body', () => {
  it('of 300 MB is uploaded at the speed of a slow reader, and memory use stays flat', async () => {
    const bytes = 300 * 1024 * 1024;
    await using set = await httpSetting((incoming, response) => {
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size % (8 * 1024 * 1024) < chunk.length) {
          incoming.pause();
          setTimeout(() => incoming.resume(), 2);
        }
      });
      incoming.on('end', () => response.end(String(size)));
    });
    const block = randomBytes(1024 * 1024);
    const outgoing = request({ socketPath: set.endpoint.path, path: '/build', method: 'POST' });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    let mostHeld = 0;
    for (let sent = 0; sent < bytes; sent += block.length) {
      if (!outgoing.write(block)) await once(outgoing, 'drain');
      mostHeld = Math.max(mostHeld, set.endpoint.stats.bufferedBytes);
    }
    outgoing.end();
    const [incoming] = await answered;
    expect(await bodyOf(incoming)).toBe(String(bytes));
    expect(mostHeld).toBeLessThan(2 * 1024 * 1024);
  });

  it('that the client does not read is held back at the engine', async () => {
    await using set = await httpSetting((_incoming, response) => {
      const block = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        while (response.write(block));
        response.once('drain', more);
      };
      more();
    });
    const client = await connectTo(set.endpoint.path);
    client.pause();
    client.write('GET /images/get HTTP/1.1\r\nHost: x\r\n\r\n');
    let last = -1;
    let same = 0;
    await until('the flow to stop', () => {
      const { bytesToClient } = set.endpoint.stats;
      same = bytesToClient > 0 && bytesToClient === last ? same + 1 : 0;
      last = bytesToClient;
      return same >= 20;
    });
    expect(set.endpoint.stats.bufferedBytes).toBeLessThan(2 * 1024 * 1024);
    expect(last).toBeLessThan(8 * 1024 * 1024);
    client.destroy();
    await until('the engine side to be closed', () => set.sockets.size === 0);
  });

  it('can be answered early, and the client gets the answer', async () => {
    await using set = await httpSetting((_incoming, response) => {
      response.writeHead(413, { Connection: 'close', 'Content-Length': 7 });
      response.end('too big');
    });
    const client = await connectTo(set.endpoint.path);
    client.write('POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nsome');
    expect(await readToEnd(client)).toMatch(/^HTTP\/1.1 413 [^]*too big$/);
    client.destroy();
  });

  it('that is no longer wanted is read and dropped, so that its sender can read the response', async () => {
    await using set = await httpSetting((_incoming, response) => {
      response.writeHead(413, { Connection: 'close', 'Content-Length': 7 });
      response.end('too big');
    });
    const client = await connectTo(set.endpoint.path);
    client.on('error', () => undefined);
    client.write('POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
    client.write(Buffer.alloc(20 * 1024 * 1024));
    await until('all of it to be taken', () => client.writableLength === 0);
    expect(client.errored).toBeNull();
    client.destroy();
  });

  it('reaches the client piece by piece, as the engine sends it', async () => {
    let say: (text: string) => void = () => undefined;
    await using set = await httpSetting((_incoming, response) => {
      response.flushHeaders();
      say = (text) => void response.write(text);
    });
    const client = await connectTo(set.endpoint.path);
    client.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await next(client)).toMatch(/chunked\r\n\r\n$/);
    for (const line of ['one', 'two']) {
      const piece = next(client);
      say(line);
      expect(await piece).toBe(`3\r\n${line}\r\n`);
    }
    client.destroy();
    await until('the engine side to be closed', () => set.sockets.size === 0);
  });
});

describe('a side that disconnects during an exchange', () => {
  it('is reported to the client in JSON if it is the engine, before its response', async () => {
    await using set = await rawSetting((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const answer = await ask(set.endpoint.path, 'GET /info HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 502 [^]*\{"message":"mobyvm cannot reach the Docker Engine/);
  });

  it('leaves the client a response that is visibly truncated', async () => {
    await using set = await rawSetting((socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'),
      );
    });
    const answer = await ask(set.endpoint.path, 'GET /info HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/\r\n\r\n3\r\nabc\r\n$/);
  });

  it("closes the engine's side at once if it is the client, even while the engine is sending", async () => {
    await using set = await httpSetting((_incoming, response) => response.flushHeaders());
    const client = await connectTo(set.endpoint.path);
    client.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    await next(client);
    client.destroy();
    await until('the engine side to be closed', () => set.sockets.size === 0);
  });

  it('leaves the engine a body that is visibly truncated', async () => {
    const ends: string[] = [];
    await using set = await httpSetting((incoming) => {
      incoming.resume();
      incoming.on('end', () => ends.push('whole'));
      incoming.on('error', () => ends.push('cut'));
    });
    const client = await connectTo(set.endpoint.path);
    client.write('POST /build HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await until('it to be on its way', () => set.sockets.size === 1);
    client.destroy();
    await until('the engine to see it', () => ends.length > 0);
    expect(ends).toEqual(['cut']);
  });
});

describe('an ambiguous message', () => {
  it.each([
    ['two lengths', 400, 'Content-Length: 4\r\nContent-Length: 5\r\n'],
    ['an unknown encoding', 501, 'Transfer-Encoding: xchunked\r\n'],
    ['invalid chunks', 400, 'Transfer-Encoding: chunked\r\n\r\nhello\r\n'],
    ['a space before a colon', 400, 'A : b\r\n'],
    ['a carriage return in a line', 400, 'A: b\rc\r\n'],
  ])('is refused in JSON and never reaches the engine whole: %s', async (_what, status, fields) => {
    await using set = await rawSetting((socket) => socket.resume().on('end', () => socket.end()));
    const answer = await ask(set.endpoint.path, `POST /build HTTP/1.1\r\nHost: x\r\n${fields}\r\n0\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\\{"message":"mobyvm: `));
    await until('nothing to be left', () => set.endpoint.stats.open === 0 && set.sockets.size === 0);
  });

  it.each([
    [
      'a length beside an encoding',
      'POST /x HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n',
      'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n',
    ],
    [
      'bare line feeds and a folded line',
      'POST /x HTTP/1.1\nConnection: close\nA: b\n c\nContent-Length: 2\n\nhi',
      'POST /x HTTP/1.1\r\nConnection: close\r\nA: b c\r\nContent-Length: 2\r\n\r\nhi',
    ],
    [
      'chunks in HTTP/1.0, which has none',
      'POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi',
      'POST /x HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi',
    ],
  ])('and the engine accepts reaches it in one form: %s', async (_what, sent, forwarded) => {
    let received = '';
    await using set = await rawSetting((socket) => {
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
        if (received.length >= forwarded.length) socket.end(OK);
      });
    });
    expect(await ask(set.endpoint.path, sent)).toBe(OK);
    expect(received).toBe(forwarded);
  });
});

describe('a large head', () => {
  it.each([
    ['a header of 100,000 bytes', `A: ${'a'.repeat(100_000)}\r\n`],
    ['a header of 1 MiB', `A: ${'a'.repeat(1024 * 1024 - 100)}\r\n`],
    ['250 fields', 'A: b\r\n'.repeat(250)],
    ['200,000 fields', 'a:\r\n'.repeat(200_000)],
  ])('reaches the engine byte for byte: %s', async (_what, fields) => {
    await using set = await rawSetting((socket) => {
      let received = '';
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
        if (received.endsWith('\r\n\r\n'))
          socket.end(
            `HTTP/1.1 200 OK\r\n${received.includes(fields) ? fields : ''}Content-Length: 2\r\n\r\nOK`,
          );
      });
    });
    const request = `GET /x?${'q'.repeat(100)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`;
    // The engine repeats it: what a redirect says of a query is as long as the query.
    expect(await ask(set.endpoint.path, request)).toHaveLength(fields.length + OK.length);
  });

  it('is refused when all others together take too much memory, and accepted again after them', async () => {
    await using folder = await testFolder();
    await using engine = await rawEngine(answering(() => OK));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
      memoryBytes: 1024 * 1024,
    });
    const first = await connectTo(endpoint.path);
    const start = `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: ${'a'.repeat(700_000)}`;
    first.write(start);
    await until('it to be read', () => first.writableLength === 0);
    const large = `${start}\r\n\r\n`;
    await until('the first to have its share', () => first.bytesWritten >= start.length);
    expect(await ask(endpoint.path, large)).toMatch(/^HTTP\/1.1 503 [^]*too many large requests/);
    const small = await ask(endpoint.path, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(small).toBe(OK);
    first.end('\r\n\r\n');
    expect(await readToEnd(first)).toBe(OK);
    expect(await ask(endpoint.path, large)).toBe(OK);
  });
});

describe('a body that its client does not finish', () => {
  it('does not keep an attach from answering at once, and what follows belongs to the stream', async () => {
    let received = '';
    await using set = await rawSetting((socket) => {
      socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
      socket.on('end', () => socket.end());
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'),
      );
    });
    const client = await connectTo(set.endpoint.path);
    client.write('POST /containers/web/attach HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect(await next(client)).toMatch(/^HTTP\/1.1 101 /);
    client.write('no chunk');
    await until('it to arrive', () => received.endsWith('\r\n\r\nno chunk'));
    client.destroy();
    await until('the client to be closed', () => set.endpoint.stats.open === 0);
    await until('the engine side to be closed', () => set.sockets.size === 0);
  });

  it.each([
    ['an end', (socket: Socket) => socket.end(), (socket: Socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n')],
    ['a lost engine', (socket: Socket) => socket.end(), (socket: Socket) => socket.destroy()],
  ])('is never the fault of the VM: %s', async (_what, leave, answer) => {
    const warnings: string[] = [];
    await using folder = await testFolder();
    await using engine = await rawEngine((socket) => socket.resume().on('end', () => answer(socket)));
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
      logger: { ...silentLogger, warn: (event) => void warnings.push(event) },
    });
    const client = await connectTo(endpoint.path);
    client.write('POST /networks/create HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{}');
    leave(client);
    expect(await readToEnd(client)).toMatch(/^HTTP\/1.1 400 /);
    expect(warnings).toEqual([]);
  });
});

describe('many clients', () => {
  it('that keep their connections alive are served 64 at a time', async () => {
    await using set = await httpSetting((incoming, response) => response.end(incoming.url));
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    const get = async (path: string): Promise<string> => {
      const outgoing = request({ socketPath: set.endpoint.path, path, agent }).end();
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
      return bodyOf(incoming);
    };
    const paths = Array.from({ length: 1_000 }, (_, index) => `/${index}`);
    expect(await Promise.all(paths.map(get))).toEqual(paths);
    agent.destroy();
    await until('all to be gone', () => set.endpoint.stats.open === 0);
  });
});

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
