import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/index.js';
import {
  checkHeadStart,
  decodeRequestHead,
  encodeRequestHead,
  findHeadEnd,
  type RequestHead,
} from '../../../../src/proxy/engine/request-head.codec.js';

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
    ['Host', 'api.moby.localhost'],
    ['User-Agent', 'Docker-Client/28.2.2 (linux)'],
    ['Content-Length', '29'],
    ['Connection', 'Upgrade'],
    ['Content-Type', 'application/json'],
    ['Upgrade', 'tcp'],
  ],
};

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

const head = fc.record({
  method: fc.stringMatching(/^[A-Z]{1,10}$/),
  target: fc.stringMatching(/^[\x21-\x7e\x80-\xff]{1,60}$/),
  version: fc.constantFrom('HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0'),
  fields: fc.array(
    fc.tuple(
      fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,30}$/),
      fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\t\x20-\x7e]{0,20}[\x21-\x7e])?)?$/),
    ),
    { maxLength: 20 },
  ),
});

describe('a request head', () => {
  it('is decoded from what the docker CLI sends', () => {
    expect(decodeRequestHead(bytes(EXEC_START))).toEqual(EXEC_START_HEAD);
  });

  it('is encoded to what the docker CLI sends', () => {
    expect(encodeRequestHead(EXEC_START_HEAD)).toEqual(bytes(EXEC_START));
  });

  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(head, (value) => {
        expect(decodeRequestHead(encodeRequestHead(value))).toEqual(value);
      }),
    );
  });

  it('is refused when it is cut short anywhere', () => {
    for (let length = 0; length < EXEC_START.length; length += 1) {
      const prefix = bytes(EXEC_START).subarray(0, length);
      expect(() => decodeRequestHead(prefix), `${length} bytes`).toThrow(CodecError);
      expect(() => checkHeadStart(prefix), `${length} bytes`).not.toThrow();
      expect(findHeadEnd(prefix), `${length} bytes`).toBeUndefined();
    }
  });

  it('comes out of arbitrary bytes as a value or as a CodecError', () => {
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .string({ unit: fc.constantFrom('GET / HTTP/1.1', '\r\n', '\n', '\r', 'A', ':', ' ', '\0', 'é') })
        .map(bytes),
    );
    fc.assert(
      fc.property(input, (value) => {
        try {
          const decoded = decodeRequestHead(value);
          expect(decodeRequestHead(encodeRequestHead(decoded))).toEqual(decoded);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });

  it('keeps the order, the spelling and the repetitions of its fields', () => {
    const { fields } = decodeRequestHead(bytes('GET / HTTP/1.1\r\nx-A: 1\r\nX-a:2\t\r\nEmpty:\r\n\r\n'));
    expect(fields).toEqual([
      ['x-A', '1'],
      ['X-a', '2'],
      ['Empty', ''],
    ]);
  });

  it('may have bare line feeds, and empty lines in front', () => {
    const text = '\r\n\nGET / HTTP/1.1\nHost: x\n\n';
    expect(findHeadEnd(bytes(`${text}body`))).toBe(text.length);
    expect(decodeRequestHead(bytes(text)).fields).toEqual([['Host', 'x']]);
  });

  it('may be the preface of HTTP/2', () => {
    expect(decodeRequestHead(bytes('PRI * HTTP/2.0\r\n\r\n'))).toMatchObject({ method: 'PRI', target: '*' });
  });

  it.each([
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
    ['a control character', 'GET / HTTP/1.1\r\nA: b\0c\r\n\r\n'],
    ['a carriage return inside a line', 'GET / HTTP/1.1\r\nA: b\rc\r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['two spaces in its first line', 'GET  / HTTP/1.1\r\n\r\n'],
    ['bytes behind its end', 'GET / HTTP/1.1\r\n\r\nbody'],
    ['201 fields', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(201)}\r\n`],
  ])('is refused with %s', (_what, text) => {
    expect(() => decodeRequestHead(bytes(text))).toThrow(CodecError);
  });

  it.each(['\x16\x03\x01\x02\x00', '{"json"', ' GET /', 'GET /\r\n', 'GET / HTTP/1.1 \n', '('.repeat(70)])(
    'cannot become one from %j any more',
    (text) => expect(() => checkHeadStart(bytes(text))).toThrow(CodecError),
  );
});
