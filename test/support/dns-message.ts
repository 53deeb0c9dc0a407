import { ByteWriter } from '../../src/core/values/index.js';
import { encodeEdns, type Edns } from '../../src/proxy/dns/edns.codec.js';
import { encodeHeader, type DnsHeader } from '../../src/proxy/dns/header.codec.js';
import {
  decodeMessage,
  decodeQuery,
  decodeSections,
  type DnsQuery,
} from '../../src/proxy/dns/message.codec.js';
import { parseName } from '../../src/proxy/dns/name.codec.js';
import {
  decodeRecordData,
  encodeQuestion,
  encodeRecord,
  type RecordData,
} from '../../src/proxy/dns/record.codec.js';

export const PLAIN_EDNS: Edns = {
  ...{ udpBytes: 1232, extendedRcode: 0, version: 0, dnssecOk: false, options: [] },
};

export const QUERY_HEADER: DnsHeader = {
  ...{ id: 0x1234, isResponse: false, opcode: 0, isAuthoritative: false, isTruncated: false },
  ...{ recursionDesired: true, recursionAvailable: false, z: false, authenticData: false },
  ...{ checkingDisabled: false, rcode: 0, questions: 1, answers: 0, authorities: 0, additionals: 0 },
};

export interface QueryParts {
  readonly type?: number;
  readonly class?: number;
  readonly edns?: Partial<Edns>;
  readonly header?: Partial<DnsHeader>;
}

/** The bytes of a query for `name`, of type A by default. */
export function queryBytes(name: string, parts: QueryParts = {}): Uint8Array {
  const { type = 1, edns } = parts;
  const writer = new ByteWriter()
    .put(encodeHeader({ ...QUERY_HEADER, additionals: edns === undefined ? 0 : 1, ...parts.header }))
    .put(encodeQuestion({ name: parseName(name), type, class: parts.class ?? 1 }));
  if (edns !== undefined) writer.put(encodeEdns({ ...PLAIN_EDNS, ...edns }));
  return writer.done();
}

export function queryFor(name: string, parts: QueryParts = {}): DnsQuery {
  return decodeQuery(decodeMessage(queryBytes(name, parts)));
}

/** An upstream's answer to a query, with an EDNS record if the query has one. */
export function answerBytes(
  query: DnsQuery,
  records: readonly RecordData[],
  header: Partial<DnsHeader> = {},
): Uint8Array {
  const writer = new ByteWriter().put(
    encodeHeader({
      ...query.header,
      ...{ isResponse: true, recursionAvailable: true, answers: records.length, authorities: 0 },
      additionals: query.edns === undefined ? 0 : 1,
      ...header,
    }),
  );
  writer.put(query.bytes.subarray(12, query.questionEnd));
  for (const record of records) writer.put(encodeRecord(Uint8Array.of(0xc0, 12), 60, record));
  if (query.edns !== undefined) writer.put(encodeEdns(PLAIN_EDNS));
  return writer.done();
}

/** The data of the answer section. */
export function answersIn(message: Uint8Array): readonly RecordData[] {
  return decodeSections(decodeMessage(message)).answers.map((span) => decodeRecordData(message, span));
}
