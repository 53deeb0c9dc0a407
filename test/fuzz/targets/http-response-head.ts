import { deepStrictEqual } from 'node:assert/strict';
import { CodecError } from '../../../src/core/values/index.js';
import { responseFraming } from '../../../src/proxy/engine/http/framing.plan.js';
import { decodeResponseHead, editHead } from '../../../src/proxy/engine/http/head.codec.js';
import type { FuzzTarget } from '../target.js';

/** Whatever is accepted must be encoded to a head that reads the same. */
export const target: FuzzTarget = {
  name: 'http-response-head',
  tokens: [
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    ' ',
    ':',
    ': ',
    'HTTP/1.1 ',
    'HTTP/1.0 ',
    '200 OK',
    '101 ',
    '204 ',
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: close\r\n',
    '\x80',
  ],
  run(input) {
    try {
      const head = decodeResponseHead(input.toString('latin1'));
      deepStrictEqual(editHead(head, { drop: [], add: [] }), head.text);
      responseFraming(head, 'GET');
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
  },
};
