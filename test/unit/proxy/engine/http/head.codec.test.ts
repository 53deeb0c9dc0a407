import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../../src/core/values/index.js';
import {
  checkHeadStart,
  decodeRequestHead,
  decodeResponseHead,
  editHead,
  hasWord,
  valuesOf,
} from '../../../../../src/proxy/engine/http/head.codec.js';

/** As `docker exec -i web sort` sent it (Docker CLI 28.2.2 on Linux). */
const EXEC_START =
  'POST /v1.50/exec/web/start HTTP/1.1\r\nHost: api.moby.localhost\r\n' +
  'User-Agent: Docker-Client/28.2.2 (linux)\r\nContent-Length: 29\r\nConnection: Upgrade\r\n' +
  'Content-Type: application/json\r\nUpgrade: tcp\r\n\r\n';

/** As dockerd 28.2.2 answered it. */
const UPGRADED =
  'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\n' +
  'Upgrade: tcp\r\n\r\n';

const NOTHING = { drop: [], add: [] };
const DECODED = ['Connection', 'content-length', 'Content-Type', 'EXPECT', 'Transfer-Encoding'];

const fields = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom(...DECODED), fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{0,30}$/)),
    fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\t\x20-\x7e]{0,20}[\x21-\x7e\xa0])?)?$/),
  ),
  { maxLength: 20 },
);
const requestLine = fc
  .tuple(
    fc.stringMatching(/^[A-Z]{1,10}$/),
    fc.stringMatching(/^[\x21-\x7e\x80-\xff]{1,60}$/),
    fc.constantFrom('HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0'),
  )
  .map((parts) => parts.join(' '));
const statusLine = fc
  .tuple(
    fc.constantFrom('HTTP/1.0', 'HTTP/1.1'),
    fc.integer({ min: 100, max: 599 }),
    fc.stringMatching(/^[\x21-\x7e ]{0,20}$/),
  )
  .map((parts) => parts.join(' '));

function headOf(line: string, all: readonly (readonly [string, string])[]): string {
  return `${line}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function expectedFields(all: readonly (readonly [string, string])[]): unknown {
  const known = DECODED.map((name) => name.toLowerCase());
  return all
    .map(([name, value]) => ({ lower: name.toLowerCase(), value }))
    .filter(({ lower }) => known.includes(lower));
}

describe('a request head', () => {
  it('is decoded from what the docker CLI sends, as far as mobyvm reads it', () => {
    const head = decodeRequestHead(EXEC_START);
    expect(head).toMatchObject({ method: 'POST', target: '/v1.50/exec/web/start', version: 'HTTP/1.1' });
    expect(head.fields.map(({ lower, value }) => [lower, value])).toEqual([
      ['content-length', '29'],
      ['connection', 'Upgrade'],
      ['content-type', 'application/json'],
    ]);
    expect(editHead(head, NOTHING)).toBe(EXEC_START);
  });

  it('survives decoding and encoding', () => {
    fc.assert(
      fc.property(requestLine, fields, (line, all) => {
        const text = headOf(line, all);
        const head = decodeRequestHead(text);
        expect([head.method, head.target, head.version].join(' ')).toBe(line);
        expect(head.fields.map(({ lower, value }) => ({ lower, value }))).toEqual(expectedFields(all));
        expect(editHead(head, NOTHING)).toBe(text);
      }),
    );
  });

  it('loses the fields that are dropped, gets those that are added, and keeps the rest byte for byte', () => {
    const head = decodeRequestHead(EXEC_START);
    expect(editHead(head, { drop: ['content-length', 'connection'], add: ['A: b'] })).toBe(
      EXEC_START.replace('Content-Length: 29\r\nConnection: Upgrade\r\n', 'A: b\r\n'),
    );
  });

  it('is incomplete, not malformed, when truncated anywhere', () => {
    for (let length = 0; length < EXEC_START.length - 2; length += 1) {
      const prefix = EXEC_START.slice(0, length);
      expect(() => decodeRequestHead(prefix), `${length} bytes`).toThrow(CodecError);
      expect(() => checkHeadStart(prefix), `${length} bytes`).not.toThrow();
    }
  });

  it('decodes arbitrary text to a value or a CodecError', () => {
    const parts = ['GET / HTTP/1.1', 'HTTP/1.1 200 OK', '\r\n', '\n', '\r', 'A', ':', ' ', '\0', 'é'];
    const input = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: fc.constantFrom(...parts) }));
    fc.assert(
      fc.property(input, (text) => {
        for (const decode of [
          () => editHead(decodeRequestHead(text), NOTHING),
          () => editHead(decodeResponseHead(text), NOTHING),
        ]) {
          try {
            expect(decode()).toMatch(/\r\n\r\n$/);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        }
      }),
    );
  });

  it('may be the preface of HTTP/2', () => {
    expect(decodeRequestHead('PRI * HTTP/2.0\r\n\r\n')).toMatchObject({ method: 'PRI', target: '*' });
  });

  it('may have any number of fields', () => {
    const head = decodeRequestHead(`GET / HTTP/1.1\r\n${'a:\r\n'.repeat(200_000)}Expect: x\r\n\r\n`);
    expect(head.fields).toMatchObject([{ lower: 'expect', value: 'x' }]);
  });

  it.each([
    ['bare line feeds', 'POST / HTTP/1.1\nA: b\nContent-Length: 3\n\n'],
    ['one bare line feed', 'POST / HTTP/1.1\r\nA: b\r\nContent-Length: 3\n\r\n'],
    ['a bare line feed at its end', 'POST / HTTP/1.1\r\nA: b\r\nContent-Length: 3\r\n\n'],
    ['a folded line', 'POST / HTTP/1.1\r\nA:\r\n b\r\nContent-Length:\r\n\t 3\r\n\r\n'],
  ])('may have %s, and is encoded without', (_what, text) => {
    const head = decodeRequestHead(text);
    expect(head.isLoose).toBe(true);
    expect(valuesOf(head, 'content-length')).toEqual(['3']);
    expect(editHead(head, NOTHING)).toBe('POST / HTTP/1.1\r\nA: b\r\nContent-Length: 3\r\n\r\n');
  });

  it.each([
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'],
    ['a folded first line', 'GET / HTTP/1.1\r\n A: b\r\n\r\n'],
    ['a control character', 'GET / HTTP/1.1\r\nA: b\0c\r\n\r\n'],
    ['a carriage return inside a line', 'GET / HTTP/1.1\r\nA: b\rc\r\n\r\n'],
    ['two carriage returns', 'GET / HTTP/1.1\r\nA: b\r\r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['two spaces in its first line', 'GET  / HTTP/1.1\r\n\r\n'],
    ['bytes after its end', 'GET / HTTP/1.1\r\n\r\nbody'],
    ['a line without a colon', 'GET / HTTP/1.1\r\nA\r\n\r\n'],
  ])('is rejected with %s', (_what, text) => {
    expect(() => decodeRequestHead(text)).toThrow(CodecError);
  });

  it.each(['\x16\x03\x01\x02\x00', '{"json"', ' GET /', 'GET /\r\n', 'GET /\n', '('.repeat(70)])(
    'is malformed once it starts with %j',
    (text) => expect(() => checkHeadStart(text)).toThrow(CodecError),
  );
});

describe('a response head', () => {
  it('is decoded from what dockerd sends', () => {
    expect(decodeResponseHead(UPGRADED)).toMatchObject({
      version: 'HTTP/1.1',
      status: 101,
      reason: 'UPGRADED',
      fields: [
        { lower: 'content-type', value: 'application/vnd.docker.multiplexed-stream' },
        { lower: 'connection', value: 'Upgrade' },
      ],
    });
  });

  it('survives decoding and encoding', () => {
    fc.assert(
      fc.property(statusLine, fields, (line, all) => {
        const text = headOf(line, all);
        const head = decodeResponseHead(text);
        expect(`${head.version} ${head.status} ${head.reason}`).toBe(line);
        expect(editHead(head, NOTHING)).toBe(text);
      }),
    );
  });

  it('is rejected when truncated anywhere', () => {
    for (let length = 0; length < UPGRADED.length; length += 1)
      expect(() => decodeResponseHead(UPGRADED.slice(0, length)), `${length} bytes`).toThrow(CodecError);
  });

  it('is rejected in a form that the engine never writes', () => {
    expect(() => decodeResponseHead('HTTP/1.1 200 OK\r\nA: b\n\r\n')).toThrow(CodecError);
    expect(() => decodeResponseHead('HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n')).toThrow(CodecError);
  });

  it('may lack a reason', () => {
    expect(decodeResponseHead('HTTP/1.1 200\r\n\r\n')).toMatchObject({ status: 200, reason: '' });
  });
});

describe('a list of words in a head', () => {
  it.each([
    ['close', true],
    ['Keep-Alive, Close', true],
    ['closed', false],
    ['keep-alive', false],
  ])('%s contains close: %s', (value, holds) => {
    const head = decodeRequestHead(`GET / HTTP/1.1\r\nConnection: ${value}\r\n\r\n`);
    expect(hasWord(head, 'connection', 'close')).toBe(holds);
  });
});
