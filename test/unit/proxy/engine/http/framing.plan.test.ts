import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../../src/core/values/index.js';
import {
  becomesRawStream,
  isHttp2Preface,
  isPersistent,
  requestFraming,
  responseFraming,
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
    [['transfer-encoding: Chunked'], { kind: 'chunked' }],
  ])('with %j is %j', (fields, framing) => {
    expect(requestFraming(request(POST, ...fields))).toEqual(framing);
  });

  it.each([
    ['length and encoding', [POST, 'Content-Length: 3', 'Transfer-Encoding: chunked']],
    ['two lengths', [POST, 'Content-Length: 3', 'Content-Length: 4']],
    ['the same length twice', [POST, 'Content-Length: 3', 'Content-Length: 3']],
    ['a list of lengths', [POST, 'Content-Length: 3, 3']],
    ['a signed length', [POST, 'Content-Length: +3']],
    ['a hexadecimal length', [POST, 'Content-Length: 0x3']],
    ['an empty length', [POST, 'Content-Length:']],
    ['an excessive length', [POST, 'Content-Length: 9999999999999999']],
    ['another encoding', [POST, 'Transfer-Encoding: gzip, chunked']],
    ['two encodings', [POST, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
    ['chunks in HTTP/1.0', ['POST /build HTTP/1.0', 'Transfer-Encoding: chunked']],
  ])('is rejected with %s', (_what, [line = '', ...fields]) => {
    expect(() => requestFraming(request(line, ...fields))).toThrow(CodecError);
  });
});

describe('the body of a response', () => {
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
    [request('GET / HTTP/1.0'), false],
    [request('GET / HTTP/1.0', 'Connection: Keep-Alive'), true],
    [response('HTTP/1.1 200 OK', 'Connection: upgrade, close'), false],
  ])('persists after %j: %s', (head, persists) => {
    expect(isPersistent(head)).toBe(persists);
  });

  it('becomes HTTP/2 by its preface', () => {
    expect(isHttp2Preface(request('PRI * HTTP/2.0'))).toBe(true);
    expect(isHttp2Preface(request('PRI * HTTP/1.1'))).toBe(false);
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
