import { randomInt } from 'node:crypto';
import { ByteWriter, CodecError, isIpv4, MobyvmError, parseIpv6 } from '../../core/values/index.js';
import type { AnsweredBy, DnsServer } from './dns-server.js';
import { RecordClass, RecordType } from './dns-constants.js';
import { encodeEdns } from './edns.codec.js';
import { encodeHeader } from './header.codec.js';
import { decodeSections } from './message.codec.js';
import { parseName } from './name.codec.js';
import { parseType, rcodeText, recordText, typeText, type RecordText } from './record-text.plan.js';
import { encodeQuestion } from './record.codec.js';
import { reverseName } from './reverse-name.plan.js';

/** What a container would be answered, for people to read. */
export interface NameAnswer {
  readonly name: string;
  readonly type: string;
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL` … */
  readonly rcode: string;
  readonly answers: readonly RecordText[];
  readonly answeredBy: AnsweredBy;
  readonly milliseconds: number;
}

const UDP_BYTES = 1_232;

/**
 * Asks the server as a container would.
 * @param type of the records; undefined: addresses, or the name of an address
 * @throws MobyvmError MOBYVM_USAGE for a name or type that no query can have
 */
export async function askServer(
  server: Pick<DnsServer, 'ask'>,
  name: string,
  type: string | undefined,
): Promise<NameAnswer> {
  const isAddress = isIpv4(name) || parseIpv6(name) !== undefined;
  const number = type === undefined ? (isAddress ? RecordType.ptr : RecordType.a) : parseType(type);
  if (number === undefined) throw typeError(type ?? '');
  const asked = isAddress && number === RecordType.ptr ? reverseName(name) : name;
  const startedMs = performance.now();
  const answered = await server.ask(queryFor(asked, number));
  if (answered === undefined) throw nameError(name);
  const { answer, by } = answered;
  return {
    name: asked,
    type: typeText(number),
    rcode: rcodeText(answer.header.rcode),
    answers: decodeSections(answer).answers.map((span) => recordText(answer, span)),
    answeredBy: by,
    milliseconds: Math.round((performance.now() - startedMs) * 10) / 10,
  };
}

function queryFor(name: string, type: number): Uint8Array {
  const header = {
    id: randomInt(0x10000),
    isResponse: false,
    opcode: 0,
    isAuthoritative: false,
    isTruncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    z: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: 0,
    questions: 1,
    answers: 0,
    authorities: 0,
    additionals: 1,
  };
  const edns = { udpBytes: UDP_BYTES, extendedRcode: 0, version: 0, dnssecOk: false, options: [] };
  try {
    const question = encodeQuestion({ name: parseName(name), type, class: RecordClass.internet });
    return new ByteWriter().put(encodeHeader(header)).put(question).put(encodeEdns(edns)).done();
  } catch (error) {
    if (error instanceof CodecError) throw nameError(name);
    throw error;
  }
}

function nameError(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_USAGE',
    `"${name}" is not a name that can be looked up.`,
    'Use a name such as web.example, with at most 63 characters between two dots, or an address.',
  );
}

function typeError(type: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_USAGE',
    `"${type}" is not a type of DNS records.`,
    'Use A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT or the like, or TYPE and a number.',
  );
}
