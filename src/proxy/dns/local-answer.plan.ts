import { ownAnswer } from './answer.plan.js';
import { Rcode, RecordClass, RecordType } from './dns-constants.js';
import type { LocalRule, LocalZone } from './local-zone.plan.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import { encodeName, parseName } from './name.codec.js';
import { encodeRecord, QUESTION_NAME, type RecordData } from './record.codec.js';

/** Short, because the host's address changes with the settings and asking again costs next to nothing. */
const TTL_SECONDS = 5;
/** Types that are about the addresses of a name: answered here even where only addresses are known. */
const ADDRESS_TYPES: readonly number[] = [
  RecordType.a,
  RecordType.aaaa,
  RecordType.svcb,
  RecordType.https,
  RecordType.any,
];

export interface LocalAnswer {
  readonly answer: DnsMessage;
  readonly rule: LocalRule;
}

/**
 * Our own answer, or undefined for a query to forward. A name that has no record of the requested type gets
 * NOERROR with an SOA and no answer (https://www.rfc-editor.org/rfc/rfc2308#section-2.2), never NXDOMAIN:
 * musl would take that for all types of the name.
 */
export function answerLocally(query: DnsQuery, zone: LocalZone): LocalAnswer | undefined {
  const { question, name } = query;
  if (question.class !== RecordClass.internet && question.class !== RecordClass.any) return undefined;
  const facts = zone.find(name);
  if (facts === undefined) return undefined;
  if (facts.isPartial && !ADDRESS_TYPES.includes(question.type)) return undefined;
  const { rule } = facts;
  const version = query.edns?.version ?? 0;
  if (version !== 0) return { rule, answer: answerWith(query, Rcode.badVersion, []) };
  const matching = facts.records.filter(
    (record) => question.type === RecordType.any || typeOf(record) === question.type,
  );
  return { rule, answer: answerWith(query, facts.isKnown ? Rcode.noError : Rcode.nameError, matching) };
}

function answerWith(query: DnsQuery, rcode: number, records: readonly RecordData[]): DnsMessage {
  const isEmpty = records.length === 0 && rcode !== Rcode.badVersion;
  const zone = rcode === Rcode.nameError ? encodeName(query.question.name.slice(-1)) : QUESTION_NAME;
  return ownAnswer(query, {
    rcode,
    isAuthoritative: true,
    answers: records.map((record) => encodeRecord(QUESTION_NAME, TTL_SECONDS, record)),
    authorities: isEmpty ? [startOfAuthority(zone)] : [],
  });
}

/** The SOA's owner is the name itself if it exists, otherwise its top-level domain. */
function startOfAuthority(zone: Uint8Array): Uint8Array {
  return encodeRecord(zone, TTL_SECONDS, {
    kind: 'soa',
    soa: {
      primary: parseName('host.docker.internal'),
      mailbox: parseName('hostmaster.docker.internal'),
      serial: 1,
      refreshSeconds: 3600,
      retrySeconds: 600,
      expireSeconds: 86_400,
      minimumSeconds: TTL_SECONDS,
    },
  });
}

function typeOf(record: RecordData): number {
  return record.kind === 'other' ? record.type : RecordType[record.kind];
}
