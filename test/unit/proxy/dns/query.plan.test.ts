import { describe, expect, it } from 'vitest';
import { parseIpv4, parseSubnet } from '../../../../src/core/values/index.js';
import { decodeHeader } from '../../../../src/proxy/dns/header.codec.js';
import { hostTable } from '../../../../src/proxy/dns/host-table.plan.js';
import { LocalZone, type ZoneOptions } from '../../../../src/proxy/dns/local-zone.plan.js';
import { decodeSections, type DnsMessage } from '../../../../src/proxy/dns/message.codec.js';
import { parseName } from '../../../../src/proxy/dns/name.codec.js';
import { planQuery } from '../../../../src/proxy/dns/query.plan.js';
import { answersIn, queryBytes, type QueryParts } from '../../../support/dns-message.js';
import { fromHex } from '../../../support/wire-fixture.js';

function zoneWith(more: Partial<ZoneOptions>): LocalZone {
  return new LocalZone({
    serverAddress: parseIpv4('10.0.75.1'),
    subnet: parseSubnet('10.0.75.0/24'),
    names: new Map([['Moby.mobyvm.internal', parseIpv4('10.0.75.2')]]),
    settingsHosts: hostTable([]),
    hostsFile: hostTable([]),
    servedDomains: [],
    ...more,
  });
}

const zone = zoneWith({});
const host = { kind: 'a', address: '10.0.75.1' };
const AAAA = { type: 28 };
const PTR = { type: 12 };

function own(name: string, parts: QueryParts = {}, where: LocalZone = zone): DnsMessage {
  const decision = planQuery(queryBytes(name, parts), where);
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

  // https://github.com/moby/vpnkit/issues/221
  it.each([
    'nosuch.mobyvm.internal',
    'x.docker.internal',
    'docker.internal',
    'MobyVM.internal',
    'x.host.docker.internal',
  ])('%s never leaves, whatever the type', (name) => {
    for (const type of [1, 28, 15, 16, 65, 255]) expect(own(name, { type }).header.rcode).toBe(3);
  });

  // https://github.com/docker/for-mac/issues/6098
  it.each([
    'printer.local',
    'a.b.local',
    'local',
    '7.0.254.169.in-addr.arpa',
    `${'0.'.repeat(28)}0.8.e.f.ip6.arpa`,
  ])('%s belongs to multicast DNS', (name) => expect(own(name, { type: 12 }).header.rcode).toBe(3));

  it('in .local are forwarded where the host has servers for the domain', () => {
    const served = zoneWith({ servedDomains: ['corp.local'] });
    expect(planQuery(queryBytes('web.corp.local'), served).kind).toBe('forward');
    expect(planQuery(queryBytes('corp.local', { type: 6 }), served).kind).toBe('forward');
    expect(own('xcorp.local', {}, served).header.rcode).toBe(3);
    expect(planQuery(queryBytes('a.local'), zoneWith({ servedDomains: ['local'] })).kind).toBe('forward');
  });

  it('have a short TTL', () => {
    expect(decodeSections(own('host.docker.internal')).answers[0]?.ttl).toBe(5);
  });
});

describe('all other names', () => {
  it.each([
    ['host.docker.internal.corp.example', {}],
    ['intranet', {}],
    ['xmobyvm.internal', {}],
    ['web.internal', {}],
    ['local.corp.example', {}],
    ['254.170.in-addr.arpa', PTR],
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

// https://github.com/rancher-sandbox/rancher-desktop/issues/1245
describe('names of a hosts file', () => {
  const hosts = hostTable([
    { address: '192.0.2.7', names: ['DB.test', 'db'] },
    { address: '192.0.2.8', names: ['db.test'] },
    { address: '2001:DB8:0::7', names: ['db.test', 'six.test'] },
    { address: '10.0.75.1', names: ['laptop'] },
  ]);
  const withFile = zoneWith({ hostsFile: hosts });
  const six = { kind: 'aaaa', address: fromHex('20010db8 00000000 00000000 00000007') };

  it.each([
    [
      'db.test',
      {},
      [
        { kind: 'a', address: '192.0.2.7' },
        { kind: 'a', address: '192.0.2.8' },
      ],
    ],
    ['DB.TEST', AAAA, [six]],
    ['db', {}, [{ kind: 'a', address: '192.0.2.7' }]],
    ['six.test', {}, []],
    ['db.test', { type: 65 }, []],
    ['laptop', {}, [host]],
    ['7.2.0.192.in-addr.arpa', PTR, [{ kind: 'ptr', name: parseName('DB.test') }]],
    [`7.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`, PTR, [{ kind: 'ptr', name: parseName('db.test') }]],
  ])('%s are answered', (name, parts, records) => {
    const answer = own(name, parts, withFile);
    expect(answersIn(answer.bytes)).toEqual(records);
    expect(answer.header.rcode).toBe(0);
  });

  it('are only about addresses: other types are the upstream’s', () => {
    expect(planQuery(queryBytes('db.test', { type: 15 }), withFile).kind).toBe('forward');
  });

  it('yield to those of the settings, and to ours', () => {
    const both = zoneWith({
      hostsFile: hostTable([
        { address: '192.0.2.1', names: ['host.docker.internal', 'a.test', 'localhost'] },
      ]),
      settingsHosts: hostTable([{ address: '192.0.2.2', names: ['a.test'] }]),
    });
    expect(answersIn(own('host.docker.internal', {}, both).bytes)).toEqual([host]);
    expect(answersIn(own('a.test', {}, both).bytes)).toEqual([{ kind: 'a', address: '192.0.2.2' }]);
    expect(answersIn(own('localhost', {}, both).bytes)).toEqual([{ kind: 'a', address: '127.0.0.1' }]);
  });

  it('work in domains that nobody is asked about, without a type leaking from there', () => {
    const local = zoneWith({
      hostsFile: hostTable([{ address: '192.0.2.1', names: ['printer.local'] }]),
      settingsHosts: hostTable([{ address: '192.0.2.2', names: ['db.mobyvm.internal'] }]),
    });
    expect(answersIn(own('printer.local', {}, local).bytes)).toEqual([{ kind: 'a', address: '192.0.2.1' }]);
    expect(own('printer.local', { type: 16 }, local).header.rcode).toBe(0);
    expect(own('db.mobyvm.internal', { type: 15 }, local).header).toMatchObject({ rcode: 0, answers: 0 });
  });
});

describe('a question for all types', () => {
  it('of a forwarded name is answered with the reason why it has no other answer', () => {
    const [answer] = answersIn(own('corp.example', { type: 255 }).bytes);
    expect(answer).toEqual({ kind: 'other', type: 13, bytes: fromHex('07 52464338343832 00') });
  });
});
