import { describe, expect, it } from 'vitest';
import { parseIpv4, parseSubnet } from '../../../../src/core/values/index.js';
import { decodeHeader } from '../../../../src/proxy/dns/header.codec.js';
import type { LocalZone } from '../../../../src/proxy/dns/local-names.plan.js';
import { decodeSections, type DnsMessage } from '../../../../src/proxy/dns/message.codec.js';
import { parseName } from '../../../../src/proxy/dns/name.codec.js';
import { planQuery } from '../../../../src/proxy/dns/query.plan.js';
import { answersIn, queryBytes, type QueryParts } from '../../../support/dns-message.js';
import { fromHex } from '../../../support/wire-fixture.js';

const zone: LocalZone = {
  serverAddress: parseIpv4('10.0.75.1'),
  subnet: parseSubnet('10.0.75.0/24'),
  names: new Map([['Moby.mobyvm.internal', parseIpv4('10.0.75.2')]]),
};
const host = { kind: 'a', address: '10.0.75.1' };
const AAAA = { type: 28 };
const PTR = { type: 12 };

function own(name: string, parts: QueryParts = {}): DnsMessage {
  const decision = planQuery(queryBytes(name, parts), zone);
  if (decision.kind !== 'answer')
    return expect.unreachable(`${name} is not answered locally: ${decision.kind}`);
  return decision.answer;
}

describe('a message that is not a valid query', () => {
  it.each([
    ['shorter than a header', fromHex('1234 0100 0001 0000 0000 00'), 'too-short'],
    ['empty', new Uint8Array(), 'too-short'],
    ['a response', queryBytes('a', { header: { isResponse: true } }), 'not-a-query'],
  ])('%s is dropped', (_, bytes, reason) => {
    expect(planQuery(bytes, zone)).toEqual({ kind: 'drop', reason });
  });

  it.each([
    ['malformed', queryBytes('a').slice(0, -1), 1],
    ['with two questions', queryBytes('a', { header: { questions: 2 } }), 1],
    ['a NOTIFY', queryBytes('a', { header: { opcode: 4 } }), 4],
    ['an UPDATE', queryBytes('a', { header: { opcode: 5 } }), 4],
    ['a zone transfer', queryBytes('a', { type: 252 }), 5],
  ])('%s gets an error response', (_, bytes, rcode) => {
    const decision = planQuery(bytes, zone);
    if (decision.kind !== 'answer') return expect.unreachable(decision.kind);
    expect(decodeHeader(decision.answer.bytes)).toMatchObject({ id: 0x1234, isResponse: true, rcode });
  });
});

describe('names of the host and the VM', () => {
  it.each([
    ['host.docker.internal', {}, [host]],
    ['HOST.Docker.INTERNAL', {}, [host]],
    ['gateway.docker.internal', {}, [host]],
    ['host.docker.internal', { type: 255 }, [host]],
    ['moby.MOBYVM.internal', {}, [{ kind: 'a', address: '10.0.75.2' }]],
    ['localhost', {}, [{ kind: 'a', address: '127.0.0.1' }]],
    ['app.localhost', {}, [{ kind: 'a', address: '127.0.0.1' }]],
    ['localhost', AAAA, [{ kind: 'aaaa', address: fromHex('00'.repeat(15) + '01') }]],
    ['1.75.0.10.in-addr.arpa', PTR, [{ kind: 'ptr', name: parseName('host.docker.internal') }]],
    ['2.75.0.10.in-addr.arpa', PTR, [{ kind: 'ptr', name: parseName('Moby.mobyvm.internal') }]],
    ['1.0.0.127.in-addr.arpa', PTR, [{ kind: 'ptr', name: parseName('localhost') }]],
    [`1.${'0.'.repeat(31)}ip6.arpa`, PTR, [{ kind: 'ptr', name: parseName('localhost') }]],
  ])('%s are answered', (name, parts, records) => {
    const answer = own(name, parts);
    expect(answersIn(answer.bytes)).toEqual(records);
    expect(answer.header).toMatchObject({ rcode: 0, isAuthoritative: true });
    expect(decodeHeader(answer.bytes)).toEqual(answer.header);
  });

  it.each([
    ['host.docker.internal', AAAA],
    ['host.docker.internal', { type: 65 }],
    ['moby.mobyvm.internal', AAAA],
    ['1.75.0.10.in-addr.arpa', {}],
  ])('%s without a record of the type give NOERROR and an SOA, never NXDOMAIN', (name, parts) => {
    const answer = own(name, parts);
    const { answers, authorities } = decodeSections(answer);
    expect(answer.header.rcode).toBe(0);
    expect(answers).toHaveLength(0);
    expect(authorities.map((record) => record.type)).toEqual([6]);
  });

  it.each(['a.invalid', 'x.onion', '9.75.0.10.in-addr.arpa', '5.0.0.127.in-addr.arpa'])(
    '%s do not exist',
    (name) => expect(own(name).header.rcode).toBe(3),
  );

  it('answer EDNS with EDNS, and an unknown version of it with BADVERS', () => {
    expect(own('localhost', { edns: {} }).header.additionals).toBe(1);
    const answer = own('localhost', { edns: { version: 1 } });
    const { additionals } = decodeSections(answer);
    expect([answer.header.rcode, (additionals[0]?.ttl ?? 0) >>> 24]).toEqual([0, 1]);
  });

  it('have a short TTL', () => {
    expect(decodeSections(own('host.docker.internal')).answers[0]?.ttl).toBe(5);
  });
});

describe('all other names', () => {
  it.each([
    ['docker.internal', {}],
    ['x.host.docker.internal', {}],
    ['host.docker.internal.corp.example', {}],
    ['printer.local', {}],
    ['app.test', {}],
    ['8.8.8.8.in-addr.arpa', PTR],
    ['75.0.10.in-addr.arpa', PTR],
    ['version.bind', { type: 16, class: 3 }],
    ['corp.example', { type: 0xfffe }],
    ['host.docker.internal', { class: 3 }],
  ])('%s are forwarded', (name, parts) => {
    expect(planQuery(queryBytes(name, parts), zone).kind).toBe('forward');
  });
});
