import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiRules, type ShareHealth } from '../../src/proxy/engine/index.js';
import { hostPaths } from '../../src/share/index.js';
import { settableAvailability } from '../support/engine-availability.js';
import { ask, testEndpoint, testFolder } from '../support/engine-sockets.js';
import { unixDial } from '../support/engine-dial.js';

const fine: ShareHealth = { problemOf: () => Promise.resolve(undefined) };
const dead: ShareHealth = {
  problemOf: (drive) =>
    Promise.resolve({
      reason: `drive ${drive} is not shared`,
      remedy: 'Share it first.',
    }),
};

interface Received {
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: string;
}

interface Rewriting extends AsyncDisposable {
  readonly received: readonly Received[];
  readonly send: (request: string) => Promise<string>;
}

/** An endpoint with rules before an engine on a unix socket that answers what `answer` says. */
async function rewriting(
  answer: (request: Received, response: ServerResponse) => void,
  { health = fine, shows = true }: { readonly health?: ShareHealth; readonly shows?: boolean } = {},
): Promise<Rewriting> {
  const folder = await testFolder();
  const received: Received[] = [];
  const server = createServer((incoming, response) => {
    void bodyOf(incoming).then((body) => {
      const line = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
      received.push({ line, headers: incoming.rawHeaders, body });
      response.setHeader('Content-Type', 'application/json');
      answer(received.at(-1)!, response);
    });
  });
  const path = join(folder.path, 'engine.sock');
  server.listen(path);
  await once(server, 'listening');
  const endpoint = await testEndpoint(folder, {
    availability: settableAvailability({ kind: 'ready', dial: unixDial(path) }),
    rules: apiRules({ paths: hostPaths('windows'), health, showHostPaths: () => shows }),
  });
  return {
    received,
    send: (request) => ask(endpoint.path, request),
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      server.closeAllConnections();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function post(path: string, body: string, ...fields: string[]): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return [`POST ${path} HTTP/1.1`, 'Host: x', length, 'Connection: close', ...fields, '', body].join('\r\n');
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
const created = (_request: Received, response: ServerResponse): void =>
  void response.writeHead(201).end('{"Id":"c0ffee"}');
const CREATE = '/v1.43/containers/create';

describe('a create through the endpoint', () => {
  it('reaches the engine with guest paths and the right length, and otherwise unchanged', async () => {
    await using set = await rewriting(created);
    const body =
      '{"Image":"süß", "N":1.0e+1,"HostConfig":{"Binds":["C:\\\\Übung:/data:ro"]},"Labels":{"x":"C:\\\\a"}}';
    expect(await set.send(post(CREATE, body, 'X-Odd: a'))).toContain('c0ffee');
    const sent = body.replace('C:\\\\Übung', '/C/Übung');
    expect(set.received).toMatchObject([{ line: `POST ${CREATE}`, body: sent }]);
    const { headers } = set.received[0]!;
    expect(headers).toEqual([
      'Host',
      'x',
      'Content-Length',
      String(Buffer.byteLength(sent)),
      'Connection',
      'close',
      'X-Odd',
      'a',
    ]);
  });

  it('can be chunked and wait for 100 Continue', async () => {
    await using set = await rewriting(created);
    const answer = await set.send(
      `POST ${CREATE} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n` +
        'Connection: close\r\n\r\n' +
        '10\r\n{"HostConfig":{"\r\n1b\r\nBinds":["C:\\\\site:/data"]}}\r\n0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 /);
    expect(set.received[0]?.body).toBe('{"HostConfig":{"Binds":["/C/site:/data"]}}');
  });

  it.each(['{"HostConfig":{"Binds":["/srv:/y"]} , "a":1}', '{"a":1} text', 'null', ' \n', ''])(
    'without a host path is forwarded byte for byte: %s',
    async (body) => {
      await using set = await rewriting(created);
      await set.send(post(CREATE, body));
      expect(set.received[0]?.body).toBe(body);
    },
  );

  it('gets no 100 Continue with HTTP/1.0, which does not know it', async () => {
    await using set = await rewriting(created);
    const body = '{"HostConfig":{"Binds":["C:\\\\site:/data"]}}';
    const answer = await set.send(
      `POST ${CREATE} HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1.[01] 201 /);
    expect(set.received[0]?.body).toBe('{"HostConfig":{"Binds":["/C/site:/data"]}}');
  });

  it('of 300,000 chunks of one byte reaches the engine as one body', async () => {
    await using set = await rewriting(created);
    const body = `{"HostConfig":{"Binds":["C:\\\\site:/data"]},"x":"${'y'.repeat(300_000)}"}`;
    const chunks = body.replaceAll(/[^]/g, '1\r\n$&\r\n');
    const head = `POST ${CREATE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    await set.send(`${head}${chunks}0\r\n\r\n`);
    expect(set.received[0]?.body).toBe(body.replace('C:\\\\site', '/C/site'));
  });

  it.each([
    ['an absolute target', 'http://d/v1.43/containers/create'],
    ['an absolute target without a host', 'http:/containers/create'],
    ['an escaped letter', '/v1.43/%63ontainers/create'],
    ['an escaped slash', '/v1.43/containers%2Fcreate'],
    ['an escaped version', '/%76%31.43/containers/create'],
    ['doubled slashes', '//v1.43//containers/create'],
    ['segments of dots', '/v1.43/./x/../containers/%2e/create'],
  ])('is refused on a drive that is not shared also by %s', async (_what, target) => {
    await using set = await rewriting(created, { health: dead });
    expect(await set.send(post(target, '{"HostConfig":{"Binds":["/C/x:/x"]}}'))).toMatch(/^HTTP\/1.1 400 /);
    expect(set.received).toEqual([]);
  });

  it.each([
    ['text after the JSON', '{"HostConfig":{"Binds":["/C/x:/x"]}} text'],
    ['deep nesting', `{"a":${'['.repeat(300)}${']'.repeat(300)},"HostConfig":{"Binds":["/C/x:/x"]}}`],
    ['nesting that the engine does not read', '['.repeat(20_000)],
    ['a long s', '{"HostConfig":{"bind\u017f":["/C/x:/x"]}}'],
    ['an escaped name', '{"HostConfig":{"\\u0042inds":["/C/x:/x"]}}'],
    ['binds at the top', '{"Binds":["/C/x:/x"]}'],
    ['mounts that are merged', '{"HostConfig":{"Mounts":[{"Source":"/C/x"}],"mounts":[{"Type":"bind"}]}}'],
    ['JSON that cannot be read', '{"HostConfig":{"Binds":["/C/x:/x"'],
  ])('is refused on a drive that is not shared also with %s', async (_what, body) => {
    await using set = await rewriting(created, { health: dead });
    expect(await set.send(post(CREATE, body))).toMatch(/^HTTP\/1.1 400 [^]*\{"message":"mobyvm: /);
    expect(set.received).toEqual([]);
  });

  it('is refused on a drive that is not shared, and the engine never sees it', async () => {
    await using set = await rewriting(created, { health: dead });
    const answer = await set.send(post(CREATE, '{"HostConfig":{"Binds":["c:/site:/data"]}}'));
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain(
      '{"message":"mobyvm: \\"C:\\\\site\\" cannot be mounted: drive C is not shared. Share it first."}',
    );
    expect(set.received).toEqual([]);
  });

  it('is refused with 413 when its body is longer than 16 MiB, stated or in chunks', async () => {
    await using set = await rewriting(created);
    const head = `POST ${CREATE} HTTP/1.1\r\nHost: x\r\n`;
    expect(await set.send(`${head}Content-Length: 16777217\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /);
    const chunk = `${(17 * 1024 * 1024).toString(16)}\r\n${'x'.repeat(17 * 1024 * 1024)}\r\n0\r\n\r\n`;
    expect(await set.send(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`)).toMatch(/^HTTP\/1.1 413 /);
    expect(set.received).toEqual([]);
  });

  it("shows the user's path in the engine's error", async () => {
    const fail = (_request: Received, response: ServerResponse): void =>
      void response.writeHead(400).end('{"message":"bind source path does not exist: /C/site"}\n');
    const body = '{"HostConfig":{"Mounts":[{"Type":"bind","Source":"C:\\\\site"}]}}';
    await using shown = await rewriting(fail);
    expect(await shown.send(post(CREATE, body))).toMatch(/\{"message":"[^"]*exist: C:\\\\site"\}\n$/);
    await using hidden = await rewriting(fail, { shows: false });
    expect(await hidden.send(post(CREATE, body))).toMatch(/exist: \/C\/site"\}\n/);
  });
});

describe('a start through the endpoint', () => {
  const engine = ({ line }: Received, response: ServerResponse): void => {
    if (line.startsWith('GET'))
      response.end(
        '{"HostConfig":{"Binds":["/C/site:/data"]},"Mounts":[{"Type":"bind","Source":"/C/site"}]}',
      );
    else response.writeHead(204).end();
  };

  it('checks the binds of the container, and is forwarded if the drive works', async () => {
    await using set = await rewriting(engine);
    expect(await set.send(post('/v1.43/containers/web/start', ''))).toMatch(/^HTTP\/1.1 204 /);
    expect(set.received.map(({ line }) => line)).toEqual([
      'GET /v1.43/containers/web/json',
      'POST /v1.43/containers/web/start',
    ]);
  });

  it('is refused if the drive does not work', async () => {
    await using set = await rewriting(engine, { health: dead });
    const answer = await set.send(post('/containers/web/start', ''));
    expect(answer).toMatch(/^HTTP\/1.1 500 /);
    expect(answer).toContain('drive C is not shared');
    expect(set.received.map(({ line }) => line)).toEqual(['GET /containers/web/json']);
  });

  describe('of a container with volumes', () => {
    const volumes = ({ line }: Received, response: ServerResponse): void => {
      if (line.includes('/containers/') && line.startsWith('GET'))
        response.end(
          '{"Mounts":[{"Type":"volume","Name":"plain","Driver":"local"},{"Type":"volume","Name":"far","Driver":"nfs"},' +
            '{"Type":"volume","Name":"x HTTP/1.1\\r\\n","Driver":"local"},{"Type":"volume","Name":"site","Driver":"local"},' +
            '{"Type":"volume","Name":"site","Driver":"local"}]}',
        );
      else if (line.endsWith('/volumes/plain')) response.end('{"Driver":"local","Options":null}');
      else if (line.endsWith('/volumes/site'))
        response.end('{"Driver":"local","Options":{"type":"none","o":"bind","device":"/C/site"}}');
      else response.writeHead(204).end();
    };
    const QUESTIONS = ['containers/web/json', 'volumes/plain', 'volumes/site'].map(
      (of) => `GET /v1.43/${of}`,
    );

    it('checks each volume of the local driver once, and is forwarded if its drive works', async () => {
      await using set = await rewriting(volumes);
      expect(await set.send(post('/v1.43/containers/web/start', ''))).toMatch(/^HTTP\/1.1 204 /);
      expect(set.received.map(({ line }) => line)).toEqual([
        ...QUESTIONS,
        'POST /v1.43/containers/web/start',
      ]);
    });

    it('is refused if it does not, naming the path as the user wrote it', async () => {
      await using set = await rewriting(volumes, { health: dead });
      const answer = await set.send(post('/v1.43/containers/web/start', ''));
      expect(answer).toMatch(/^HTTP\/1.1 500 /);
      expect(answer).toContain('\\"C:\\\\site\\" cannot be mounted: drive C is not shared');
      expect(set.received.map(({ line }) => line)).toEqual(QUESTIONS);
    });
  });
});

/** Every version of the API that an engine may speak; 1.24 is the oldest that clients still ask for. */
const VERSIONS = ['', ...Array.from({ length: 56 - 23 }, (_, index) => `/v1.${24 + index}`)];

describe('a refusal', () => {
  it.each(VERSIONS)(
    "has the shape of Docker's own errors in each version of the API: %s",
    async (version) => {
      await using set = await rewriting(() => undefined, { health: dead });
      const bind = '{"HostConfig":{"Binds":["c:/site:/data"]}}';
      const volume = '{"Driver":"local","DriverOpts":{"type":"none","o":"bind","device":"C:\\\\site"}}';
      for (const [path, body] of [
        ['containers/create', bind],
        ['volumes/create', volume],
      ] as const) {
        const answer = await set.send(post(`${version}/${path}`, body));
        const [head = '', text = ''] = answer.split('\r\n\r\n');
        expect(head).toMatch(/^HTTP\/1.1 400 /);
        expect(head).toContain('\r\nContent-Type: application/json\r\n');
        expect(JSON.parse(text)).toEqual({
          message: expect.stringContaining('drive C is not shared') as string,
        });
      }
      expect(set.received).toEqual([]);
    },
  );

  it.each(['1.23', '1.12'])('for API version %s comes from the engine itself', async (version) => {
    const old = '{"message":"client version is too old. Minimum supported API version is 1.24"}';
    await using set = await rewriting((_request, response) => response.writeHead(400).end(old));
    const answer = await set.send(get(`/v${version}/containers/json`));
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain(old);
  });
});

describe('an inspect through the endpoint', () => {
  const INSPECTED =
    '{"Id":"c0ffee","Mounts":[{"Type":"bind","Source":"/C/Übung"}],"Size":12345678901234567890}\n';
  const SHOWN = INSPECTED.replace('/C/Übung', 'C:\\\\Übung');
  const withLength = (_request: Received, response: ServerResponse): void => void response.end(INSPECTED);
  const inChunks = (_request: Received, response: ServerResponse): void => {
    response.write(INSPECTED.slice(0, 20));
    response.end(INSPECTED.slice(20));
  };

  it.each([
    ['with a length', withLength],
    ['in chunks', inChunks],
  ])("shows the user's path: %s", async (_how, answer) => {
    await using set = await rewriting(answer);
    const text = await set.send(get('/v1.43/containers/web/json'));
    const [head = '', body] = text.split('\r\n\r\n');
    expect(Buffer.from(body!, 'latin1').toString()).toBe(SHOWN);
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(SHOWN)}`);
  });

  it('shows guest paths if the setting says so', async () => {
    await using set = await rewriting(withLength, { shows: false });
    const text = Buffer.from(await set.send(get('/containers/web/json')), 'latin1').toString();
    expect(text).toContain(INSPECTED);
  });

  it('forwards a response of 20 MB without parsing it', async () => {
    const long = `["${'/C/x'.repeat(5_000_000)}"]`;
    await using set = await rewriting((_request, response) => response.end(long));
    expect(await set.send(get('/containers/json'))).toContain(long);
  });
});

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
