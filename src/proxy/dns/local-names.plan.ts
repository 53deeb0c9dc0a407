import { isIpv4, subnetContains, type Ipv4, type Subnet } from '../../core/values/index.js';
import { ownAnswer } from './answer.plan.js';
import { Rcode, RecordClass, RecordType } from './dns-constants.js';
import type { DnsQuery } from './message.codec.js';
import { encodeName, nameText, parseName } from './name.codec.js';
import { encodeRecord, type RecordData } from './record.codec.js';

/** The names that we answer ourselves. */
export interface LocalZone {
  /** The host on the switch: what `host.docker.internal` and `gateway.docker.internal` mean. */
  readonly serverAddress: Ipv4;
  readonly subnet: Subnet;
  /** Further names, for example the VM's own; they win over the two above. Case does not matter. */
  readonly names: ReadonlyMap<string, Ipv4>;
}

/** The host's address may change with the settings, and we are close: nobody should remember it for long. */
const TTL_SECONDS = 5;
const HOST_NAMES = ['host.docker.internal', 'gateway.docker.internal'];
/** A pointer to the question's name, which stands right behind the header. */
const QUESTION_NAME = Uint8Array.of(0xc0, 12);
const LOOPBACK = '127.0.0.1' as Ipv4;

interface LocalFacts {
  readonly isKnown: boolean;
  readonly records: readonly RecordData[];
}

/**
 * Our own answer, or undefined for what is to be forwarded. A name that exists but not with the type asked for gives
 * NOERROR without records and with an SOA (RFC 2308 §2.2), never NXDOMAIN: musl takes that as final for A as well.
 */
export function answerLocally(query: DnsQuery, zone: LocalZone): Uint8Array | undefined {
  const { question } = query;
  if (question.class !== RecordClass.internet && question.class !== RecordClass.any) return undefined;
  const name = nameText(question.name);
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
 * The addresses of one name, or of one address the names; undefined when it is not ours to say.
 * RFC 6761: `localhost` (§6.3) and `invalid` (§6.4) never leave the machine, neither does `onion` (RFC 7686 §2).
 * `test`, `example` and `local` are forwarded: companies do use them.
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
  for (const [known, address] of zone.names) if (textOfName(known) === name) return address;
  return HOST_NAMES.includes(name) ? zone.serverAddress : undefined;
}

/** RFC 1035 §3.5. The addresses of the switch are nobody else's to name; neither are those of RFC 6303 §4.2. */
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

function answerWith(query: DnsQuery, rcode: number, records: readonly RecordData[]): Uint8Array {
  const isEmpty = records.length === 0 && rcode !== Rcode.badVersion;
  const zone = rcode === Rcode.nameError ? encodeName(query.question.name.slice(-1)) : QUESTION_NAME;
  return ownAnswer(query, {
    rcode,
    isAuthoritative: true,
    answers: records.map((record) => encodeRecord(QUESTION_NAME, TTL_SECONDS, record)),
    authorities: isEmpty ? [startOfAuthority(zone)] : [],
  });
}

/** A name that exists is a zone of its own, with the SOA at the name itself; one that does not is in its top level's. */
function startOfAuthority(zone: Uint8Array): Uint8Array {
  const times = { refreshSeconds: 3600, retrySeconds: 600, expireSeconds: 86_400 };
  return encodeRecord(zone, TTL_SECONDS, {
    kind: 'soa',
    soa: {
      primary: parseName('host.docker.internal'),
      mailbox: parseName('hostmaster.docker.internal'),
      serial: 1,
      ...times,
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

/** Through the wire form, so that both sides of a comparison are written alike. */
function textOfName(text: string): string {
  return nameText(parseName(text));
}

function loopback6(): Uint8Array {
  const address = new Uint8Array(16);
  address[15] = 1;
  return address;
}

const LOOPBACK6_REVERSE = `1.${'0.'.repeat(31)}ip6.arpa`;
