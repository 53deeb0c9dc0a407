import { isIpv4, subnetContains, type Ipv4, type Subnet } from '../../core/values/index.js';
import { ownAnswer } from './answer.plan.js';
import { Rcode, RecordClass, RecordType } from './dns-constants.js';
import type { DnsMessage, DnsQuery } from './message.codec.js';
import { encodeName, nameText, parseName } from './name.codec.js';
import { encodeRecord, type RecordData } from './record.codec.js';

/** The names that the server answers itself. */
export interface LocalZone {
  /** The host's address on the switch: that of `host.docker.internal` and `gateway.docker.internal`. */
  readonly serverAddress: Ipv4;
  readonly subnet: Subnet;
  /** More names, for example the VM's; they take precedence over the two above. Compared without case. */
  readonly names: ReadonlyMap<string, Ipv4>;
}

/** Short, because the host's address changes with the settings and asking again costs next to nothing. */
const TTL_SECONDS = 5;
const HOST_NAMES = ['host.docker.internal', 'gateway.docker.internal'];
/** A pointer to the question's name, right behind the header. */
const QUESTION_NAME = Uint8Array.of(0xc0, 12);
const LOOPBACK = '127.0.0.1' as Ipv4;

interface LocalFacts {
  readonly isKnown: boolean;
  readonly records: readonly RecordData[];
}

/**
 * Our own answer, or undefined for a query to forward. A name that has no record of the requested type gets
 * NOERROR with an SOA and no answer (https://www.rfc-editor.org/rfc/rfc2308#section-2.2), never NXDOMAIN:
 * musl would take that for all types of the name.
 */
export function answerLocally(query: DnsQuery, zone: LocalZone): DnsMessage | undefined {
  const { question, name } = query;
  if (question.class !== RecordClass.internet && question.class !== RecordClass.any) return undefined;
  const facts = factsAbout(name, zone);
  if (facts === undefined) return undefined;
  const version = query.edns?.version ?? 0;
  if (version !== 0) return answerWith(query, Rcode.badVersion, []);
  const matching = facts.records.filter(
    (record) => question.type === RecordType.any || typeOf(record) === question.type,
  );
  return answerWith(query, facts.isKnown ? Rcode.noError : Rcode.nameError, matching);
}

/**
 * The addresses of a name, or the names of an address; undefined if the query is to be forwarded. `localhost`
 * and `invalid` (https://www.rfc-editor.org/rfc/rfc6761#section-6.3) and `onion`
 * (https://www.rfc-editor.org/rfc/rfc7686#section-2) never leave the host. `test`, `example` and `local` are
 * forwarded, because companies do use them.
 */
function factsAbout(name: string, zone: LocalZone): LocalFacts | undefined {
  const address = addressOf(name, zone);
  if (address !== undefined) return known({ kind: 'a', address });
  const lastLabel = name.slice(name.lastIndexOf('.') + 1);
  switch (lastLabel) {
    case 'localhost':
      return known({ kind: 'a', address: LOOPBACK }, { kind: 'aaaa', address: loopback6() });
    case 'invalid':
    case 'onion':
      return { isKnown: false, records: [] };
    case 'arpa':
      return reverseFacts(name, zone);
    default:
      return undefined;
  }
}

function addressOf(name: string, zone: LocalZone): Ipv4 | undefined {
  for (const [known, address] of zone.names) if (normalized(known) === name) return address;
  return HOST_NAMES.includes(name) ? zone.serverAddress : undefined;
}

/**
 * Reverse lookups (https://www.rfc-editor.org/rfc/rfc1035#section-3.5). No other server knows the names of
 * the switch's addresses, or of those in https://www.rfc-editor.org/rfc/rfc6303#section-4.2.
 */
function reverseFacts(name: string, zone: LocalZone): LocalFacts | undefined {
  const digits = /^([\d.]+)\.in-addr\.arpa$/.exec(name)?.[1] ?? '';
  const address = digits.split('.').reverse().join('.');
  if (name === LOOPBACK6_REVERSE) return known({ kind: 'ptr', name: parseName('localhost') });
  if (!isIpv4(address)) return undefined;
  if (address.startsWith('127.')) {
    return address === LOOPBACK
      ? known({ kind: 'ptr', name: parseName('localhost') })
      : { isKnown: false, records: [] };
  }
  if (!subnetContains(zone.subnet, address)) return undefined;
  const [first] = namesOf(address, zone);
  return first === undefined
    ? { isKnown: false, records: [] }
    : known({ kind: 'ptr', name: parseName(first) });
}

function namesOf(address: Ipv4, zone: LocalZone): readonly string[] {
  const given = [...zone.names].filter(([, itsAddress]) => itsAddress === address).map(([name]) => name);
  return address === zone.serverAddress ? [...HOST_NAMES.slice(0, 1), ...given] : given;
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

function known(...records: readonly RecordData[]): LocalFacts {
  return { isKnown: true, records };
}

function typeOf(record: RecordData): number {
  return record.kind === 'other' ? record.type : RecordType[record.kind];
}

/** By way of the wire form, so that both sides of a comparison are normalized alike. */
function normalized(text: string): string {
  return nameText(parseName(text));
}

function loopback6(): Uint8Array {
  const address = new Uint8Array(16);
  address[15] = 1;
  return address;
}

const LOOPBACK6_REVERSE = `1.${'0.'.repeat(31)}ip6.arpa`;
