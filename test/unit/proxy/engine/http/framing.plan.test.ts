import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../../src/core/values/index.js';
import {
  becomesRawStream,
  hasUnknownEncoding,
  isHttp2Preface,
  isPersistent,
  requestFraming,
  responseFraming,
  unambiguousHead,
} from '../../../../../src/proxy/engine/http/framing.plan.js';
import { decodeRequestHead, decodeResponseHead } from '../../../../../src/proxy/engine/http/head.codec.js';

const request = (line: string, ...fields: string[]) =>
  decodeRequestHead(`${[line, ...fields].join('\r\n')}\r\n\r\n`);
const response = (line: string, ...fields: string[]) =>
  decodeResponseHead(`${[line, ...fields].join('\r\n')}\r\n\r\n`);
const POST = 'POST /build HTTP/1.1';
const OK = 'HTTP/1.1 200 OK';

describe('the body of a request', () => {
  it.each([
    [[], { kind: 'none' }],
    [['Content-Length: 0'], { kind: 'none' }],
    [['Content-Length: 12'], { kind: 'length', bytes: 12 }],
    [['Content-Length: 00012'], { kind: 'length', bytes: 12 }],
    [['Content-Length: 3', 'content-length:3 '], { kind: 'length', bytes: 3 }],
    [['Content-Length: 9223372036854775807'], { kind: 'length', bytes: 2 ** 63 }],
    [['transfer-encoding: Chunked'], { kind: 'chunked' }],
    [['Transfer-Encoding:\r\n chunked'], { kind: 'chunked' }],
    [['Content-Length: 3', 'Transfer-Encoding: chunked'], { kind: 'chunked' }],
  ])('with %j is %j', (fields, framing) => {
    expect(requestFraming(request(POST, ...fields))).toEqual(framing);
  });

  it.each([
    ['two lengths', [POST, 'Content-Length: 3', 'Content-Length: 4']],
    ['a list of lengths', [POST, 'Content-Length: 3, 3']],
    ['a signed length', [POST, 'Content-Length: +3']],
    ['a hexadecimal length', [POST, 'Content-Length: 0x3']],
    ['an empty length', [POST, 'Content-Length:']],
    ['an excessive length', [POST, 'Content-Length: 9223372036854775808']],
    ['another encoding', [POST, 'Transfer-Encoding: gzip, chunked']],
    ['two encodings', [POST, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
  ])('is rejected with %s', (_what, [line = '', ...fields]) => {
    expect(() => requestFraming(request(line, ...fields))).toThrow(CodecError);
  });
});

describe('a request that two readers could interpret differently', () => {
  const sent = (line: string, ...fields: string[]): string | undefined => {
    const head = request(line, ...fields);
    return unambiguousHead(head, requestFraming(head));
  };

  it.each([
    [
      [POST, 'Content-Length: 3', 'Transfer-Encoding: chunked', 'A: b'],
      ['Transfer-Encoding: chunked', 'A: b'],
    ],
    [
      [POST, 'Content-Length: 3', 'A: b', 'Content-Length: 3'],
      ['Content-Length: 3', 'A: b'],
    ],
    [[POST, 'Content-Length: 0', 'Content-Length: 0'], ['Content-Length: 0']],
    [['POST / HTTP/1.0', 'Transfer-Encoding: chunked'], []],
    [['POST / HTTP/1.0', 'Transfer-Encoding: chunked', 'Content-Length: 2'], ['Content-Length: 2']],
    [
      [POST, 'A: b\r\n c\r\n\td', 'B: e'],
      ['A: b c d', 'B: e'],
    ],
    [
      [POST, 'A: b\nC: d\r\nE:'],
      ['A: b', 'C: d', 'E:'],
    ],
  ])('is sent in one form: %j', (lines, fields) => {
    const [line = ''] = lines;
    expect(sent(...(lines as [string, ...string[]]))).toBe([line, ...fields, '', ''].join('\r\n'));
  });

  it('is any other one as it came', () => {
    expect(sent(POST, 'Content-Length: 3', 'A: b')).toBeUndefined();
    expect(sent('GET / HTTP/1.0')).toBeUndefined();
  });

  it('has an encoding that the engine does not implement', () => {
    expect(hasUnknownEncoding(request(POST, 'Transfer-Encoding: gzip, chunked'))).toBe(true);
    expect(hasUnknownEncoding(request(POST, 'Transfer-Encoding:'))).toBe(true);
    expect(hasUnknownEncoding(request(POST, 'Transfer-Encoding: chunked'))).toBe(false);
    expect(hasUnknownEncoding(request('POST / HTTP/1.0', 'Transfer-Encoding: gzip'))).toBe(false);
  });
});

describe('the body of a response', () => {
  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])('is stated once: %s', (field) => {
    expect(() => responseFraming(response(OK, field, 'Content-Length: 5'), 'GET')).toThrow(CodecError);
  });

  it.each([
    ['GET', OK, ['Content-Length: 5'], { kind: 'length', bytes: 5 }],
    ['GET', OK, ['Transfer-Encoding: chunked'], { kind: 'chunked' }],
    ['GET', OK, [], { kind: 'until close' }],
    ['HEAD', OK, ['Content-Length: 5'], { kind: 'none' }],
    ['POST', 'HTTP/1.1 204 No Content', [], { kind: 'none' }],
    ['GET', 'HTTP/1.1 304 Not Modified', [], { kind: 'none' }],
    ['POST', 'HTTP/1.1 100 Continue', [], { kind: 'none' }],
  ])('to %s of %s with %j is %j', (method, line, fields, framing) => {
    expect(responseFraming(response(line, ...fields), method)).toEqual(framing);
  });
});

describe('a connection', () => {
  it.each([
    [request('GET / HTTP/1.1'), true],
    [request('GET / HTTP/1.1', 'Connection: close'), false],
    [request('GET / HTTP/1.2'), true],
    [request('GET / HTTP/1.0'), false],
    [request('GET / HTTP/1.0', 'Connection: Keep-Alive'), true],
    [response('HTTP/1.1 200 OK', 'Connection: upgrade, close'), false],
  ])('persists after %j: %s', (head, persists) => {
    expect(isPersistent(head)).toBe(persists);
  });

  it('becomes HTTP/2 by its preface', () => {
    expect(isHttp2Preface(request('PRI * HTTP/2.0'))).toBe(true);
    expect(isHttp2Preface(request('PRI * HTTP/1.1'))).toBe(false);
    expect(isHttp2Preface(request('PRI * HTTP/2.0', 'A: b'))).toBe(false);
  });
});

describe('an attach or exec', () => {
  const attach = request('POST /v1.24/containers/web/attach?stream=1 HTTP/1.1');
  const RAW = 'Content-Type: application/vnd.docker.raw-stream';
  it.each([
    ['101', attach, response('HTTP/1.1 101 UPGRADED', RAW), true],
    ['200 with a raw stream', attach, response(OK, RAW), true],
    [
      '200 with a multiplexed stream',
      attach,
      response(OK, 'Content-Type: application/vnd.docker.multiplexed-stream'),
      true,
    ],
    ['a raw stream in chunks', attach, response(OK, RAW, 'Transfer-Encoding: chunked'), false],
    ['404', attach, response('HTTP/1.1 404 Not Found', 'Content-Length: 3'), false],
    ['logs', request('GET /containers/web/logs HTTP/1.1'), response(OK, RAW), false],
  ])('%s makes a raw stream: %#', (_what, head, answer, becomes) => {
    expect(becomesRawStream(head, answer)).toBe(becomes);
  });
});
