import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../../src/core/values/index.js';
import {
  checkHeadStart,
  decodeRequestHead,
  decodeResponseHead,
  encodeRequestHead,
  encodeResponseHead,
  hasWord,
  headerField,
  type RequestHead,
  type ResponseHead,
} from '../../../../../src/proxy/engine/http/head.codec.js';

/** As `docker exec -i web sort` sent it (Docker CLI 28.2.2 on Linux). */
const EXEC_START =
  'POST /v1.50/exec/web/start HTTP/1.1\r\nHost: api.moby.localhost\r\n' +
  'User-Agent: Docker-Client/28.2.2 (linux)\r\nContent-Length: 29\r\nConnection: Upgrade\r\n' +
  'Content-Type: application/json\r\nUpgrade: tcp\r\n\r\n';

const EXEC_START_HEAD: RequestHead = {
  method: 'POST',
  target: '/v1.50/exec/web/start',
  version: 'HTTP/1.1',
  fields: [
    headerField('Host', 'api.moby.localhost'),
    headerField('User-Agent', 'Docker-Client/28.2.2 (linux)'),
    headerField('Content-Length', '29'),
    headerField('Connection', 'Upgrade'),
    headerField('Content-Type', 'application/json'),
    headerField('Upgrade', 'tcp'),
  ],
};

/** As dockerd 28.2.2 answered it. */
const UPGRADED =
  'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\n' +
  'Upgrade: tcp\r\n\r\n';
const UPGRADED_HEAD: ResponseHead = {
  version: 'HTTP/1.1',
  status: 101,
  reason: 'UPGRADED',
  fields: [
    headerField('Content-Type', 'application/vnd.docker.multiplexed-stream'),
    headerField('Connection', 'Upgrade'),
    headerField('Upgrade', 'tcp'),
  ],
};

const fields = fc.array(
  fc
    .tuple(
      fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,30}$/),
      fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\t\x20-\x7e]{0,20}[\x21-\x7e\xa0])?)?$/),
    )
    .map(([name, value]) => headerField(name, value)),
  { maxLength: 20 },
);
const request = fc.record({
  method: fc.stringMatching(/^[A-Z]{1,10}$/),
  target: fc.stringMatching(/^[\x21-\x7e\x80-\xff]{1,60}$/),
  version: fc.constantFrom('HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0'),
  fields,
});
const response = fc.record({
  version: fc.constantFrom('HTTP/1.0', 'HTTP/1.1'),
  status: fc.integer({ min: 100, max: 599 }),
  reason: fc.stringMatching(/^[\x21-\x7e ]{0,20}$/),
  fields,
});

describe('a request head', () => {
  it('is decoded from what the docker CLI sends, and encoded to it', () => {
    expect(decodeRequestHead(EXEC_START)).toEqual(EXEC_START_HEAD);
    expect(encodeRequestHead(EXEC_START_HEAD)).toBe(EXEC_START);
  });

  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(request, (value) => {
        expect(decodeRequestHead(encodeRequestHead(value))).toEqual(value);
      }),
    );
  });

  it('is incomplete, not malformed, when truncated anywhere', () => {
    for (let length = 0; length < EXEC_START.length; length += 1) {
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
          () => encodeRequestHead(decodeRequestHead(text)),
          () => encodeResponseHead(decodeResponseHead(text)),
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

  it('keeps the order, the spelling and the repetitions of its fields', () => {
    const head = decodeRequestHead('GET / HTTP/1.1\r\nx-A: 1\r\nX-a:2\t\r\nEmpty:\r\n\r\n');
    expect(head.fields).toEqual([headerField('x-A', '1'), headerField('X-a', '2'), headerField('Empty', '')]);
  });

  it('may be the preface of HTTP/2', () => {
    expect(decodeRequestHead('PRI * HTTP/2.0\r\n\r\n')).toMatchObject({ method: 'PRI', target: '*' });
  });

  it.each([
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
    ['a control character', 'GET / HTTP/1.1\r\nA: b\0c\r\n\r\n'],
    ['a carriage return inside a line', 'GET / HTTP/1.1\r\nA: b\rc\r\n\r\n'],
    ['a bare line feed', 'GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['two spaces in its first line', 'GET  / HTTP/1.1\r\n\r\n'],
    ['bytes after its end', 'GET / HTTP/1.1\r\n\r\nbody'],
    ['201 fields', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(201)}\r\n`],
  ])('is rejected with %s', (_what, text) => {
    expect(() => decodeRequestHead(text)).toThrow(CodecError);
  });

  it.each([
    '\x16\x03\x01\x02\x00',
    '{"json"',
    ' GET /',
    'GET /\r\n',
    'GET / HTTP/1.1\nHost',
    'GET / HTTP/1.1\r\nA: b\n',
    '('.repeat(70),
  ])('is malformed once it starts with %j', (text) => expect(() => checkHeadStart(text)).toThrow(CodecError));
});

describe('a response head', () => {
  it('is decoded from what dockerd sends, and encoded to it', () => {
    expect(decodeResponseHead(UPGRADED)).toEqual(UPGRADED_HEAD);
    expect(encodeResponseHead(UPGRADED_HEAD)).toBe(UPGRADED);
  });

  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(response, (value) => {
        expect(decodeResponseHead(encodeResponseHead(value))).toEqual(value);
      }),
    );
  });

  it('is rejected when truncated anywhere', () => {
    for (let length = 0; length < UPGRADED.length; length += 1)
      expect(() => decodeResponseHead(UPGRADED.slice(0, length)), `${length} bytes`).toThrow(CodecError);
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
    expect(hasWord({ fields: [headerField('Connection', value)] }, 'connection', 'close')).toBe(holds);
  });
});
