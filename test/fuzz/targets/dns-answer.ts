import { strictEqual } from 'node:assert/strict';
import { ByteWriter, CodecError } from '../../../src/core/values/index.js';
import { fitToUdp } from '../../../src/proxy/dns/answer.plan.js';
import { encodeEdns } from '../../../src/proxy/dns/edns.codec.js';
import {
  decodeMessage,
  decodeQuery,
  decodeSections,
  matchAnswer,
  type DnsQuery,
} from '../../../src/proxy/dns/message.codec.js';
import { recordText } from '../../../src/proxy/dns/record-text.plan.js';
import { decodeQuestion, decodeRecordData } from '../../../src/proxy/dns/record.codec.js';
import { addressedTo, sharedAnswer } from '../../../src/proxy/dns/shared-answer.plan.js';
import type { FuzzTarget } from '../target.js';

const HEADER_BYTES = 12;

/** Whatever a server sends: what is taken for the answer can be remembered, cut and shown. */
export const target: FuzzTarget = {
  name: 'dns-answer',
  tokens: [
    '\x00',
    '\xc0\x0c',
    '\xc0\x0d',
    '\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07',
    '\x00\x05\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x0c',
    '\x00\x06\x00\x01\xff\xff\xff\xff\x00\x18\xc0\x0c\xc0\x0c',
    '\x00\x10\x00\x01\x00\x00\x00\x01\x00\x03\x02hi',
    '\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00',
    '\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x0801234567',
    '\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x00',
    '\x7f\xff\xff\xff',
    '\x80\x00\x00\x00',
  ],
  run(input) {
    const query = questionOf(new Uint8Array(input));
    if (query === undefined) return;
    const answer = matchAnswer(query, ((input[0] ?? 0) << 8) | (input[1] ?? 0), new Uint8Array(input));
    if (answer === undefined) return;
    fitToUdp(answer, query);
    const shared = sharedAnswer(query, answer);
    if (shared === undefined) return;
    const again = addressedTo(query, shared, { ageSeconds: 5 });
    const { answers } = decodeSections(again);
    strictEqual(answers.length, answer.header.answers);
    for (const span of answers) {
      orCodecError(() => recordText(again, span));
      orCodecError(() => decodeRecordData(again.bytes, span));
    }
  },
};

/** The query to which the message would be an answer. */
function questionOf(bytes: Uint8Array): DnsQuery | undefined {
  const end = orCodecError(() => decodeQuestion(bytes, HEADER_BYTES).end);
  if (end === undefined) return undefined;
  const header = Uint8Array.of(bytes[0] ?? 0, bytes[1] ?? 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1);
  const edns = { udpBytes: 600, extendedRcode: 0, version: 0, dnssecOk: false, options: [] };
  const question = bytes.subarray(HEADER_BYTES, end);
  const message = new ByteWriter().put(header).put(question).put(encodeEdns(edns)).done();
  return orCodecError(() => decodeQuery(decodeMessage(message)));
}

function orCodecError<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
