import { deepStrictEqual } from 'node:assert/strict';
import { CodecError } from '../../../src/core/values/index.js';
import { requestFraming, unambiguousHead } from '../../../src/proxy/engine/http/framing.plan.js';
import { decodeRequestHead, editHead, type RequestHead } from '../../../src/proxy/engine/http/head.codec.js';
import type { FuzzTarget } from '../target.js';

/** Whatever is accepted must be encoded to a head that reads the same. */
export const target: FuzzTarget = {
  name: 'http-request-head',
  tokens: [
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    ' ',
    '\t',
    ':',
    ': ',
    ',',
    'GET ',
    'POST ',
    '/containers/create',
    '%2f',
    ' HTTP/1.1',
    ' HTTP/1.0',
    'Host: x\r\n',
    'Content-Length: 3\r\n',
    'content-length: 0\r\n',
    'chunked',
    'Transfer-Encoding: chunked\r\n',
    'Connection: keep-alive, close\r\n',
    'http://d/',
    '\xc5\xbf',
  ],
  run(input) {
    try {
      const head = decodeRequestHead(input.toString('latin1'));
      const framing = requestFraming(head);
      const regular = decodeRequestHead(editHead(head, { drop: [], add: [] }));
      deepStrictEqual([regular.isLoose, ...read(regular)], [false, ...read(head)]);
      const sent = decodeRequestHead(unambiguousHead(head, framing) ?? head.text);
      deepStrictEqual([requestFraming(sent), unambiguousHead(sent, framing)], [framing, undefined]);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
  },
};

function read({ method, target, version, fields }: RequestHead): readonly unknown[] {
  return [method, target, version, fields.map(({ lower, value }) => [lower, value])];
}
