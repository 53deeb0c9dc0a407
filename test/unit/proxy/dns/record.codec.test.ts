import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError, ipv4FromNumber } from '../../../../src/core/values/index.js';
import { decodeMessage, decodeSections } from '../../../../src/proxy/dns/message.codec.js';
import { encodeName, nameText, parseName } from '../../../../src/proxy/dns/name.codec.js';
import {
  decodeQuestion,
  decodeRecordData,
  decodeRecordSpan,
  encodeQuestion,
  encodeRecord,
  type RecordData,
} from '../../../../src/proxy/dns/record.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  wireFixture,
} from '../../../support/wire-fixture.js';

const u32 = fc.nat(0xffffffff);
const anyName = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 5 });
const anyData: fc.Arbitrary<RecordData> = fc.oneof(
  fc.record({ kind: fc.constant('a' as const), address: u32.map(ipv4FromNumber) }),
  fc.record({ kind: fc.constant('aaaa' as const), address: fc.uint8Array({ minLength: 16, maxLength: 16 }) }),
  fc.record({ kind: fc.constant('ptr' as const), name: anyName }),
  fc.record({
    kind: fc.constant('soa' as const),
    soa: fc.record({
      ...{ primary: anyName, mailbox: anyName, serial: u32, refreshSeconds: u32, retrySeconds: u32 },
      ...{ expireSeconds: u32, minimumSeconds: u32 },
    }),
  }),
  fc.record({
    kind: fc.constant('other' as const),
    type: fc.integer({ min: 64, max: 0xffff }),
    bytes: fc.uint8Array({ maxLength: 300 }),
  }),
);

function answersOf(message: Uint8Array): readonly RecordData[] {
  return decodeSections(decodeMessage(message)).answers.map((span) => decodeRecordData(message, span));
}

describe('a DNS record', () => {
  it('decodes to what was encoded, for every type', () => {
    fc.assert(
      fc.property(anyName, u32, anyData, (name, ttl, data) => {
        const bytes = encodeRecord(encodeName(name), ttl, data);
        const span = decodeRecordSpan(bytes, 0);
        expect(span).toMatchObject({ ttl, class: 1, start: 0, end: bytes.length });
        expect(decodeRecordData(bytes, span)).toEqual(data);
      }),
    );
  });

  it('from dnsmasq is decoded through its pointers', () => {
    const [cname, a] = answersOf(wireFixture('dns-dnsmasq-answer-cname'));
    expect(cname).toMatchObject({ kind: 'other', type: 5 });
    expect(a).toEqual({ kind: 'a', address: '192.0.2.7' });
    expect(answersOf(wireFixture('dns-dnsmasq-answer-aaaa'))).toEqual([
      { kind: 'aaaa', address: fromHex('20010db8 00000000 00000000 00000007') },
    ]);
    expect(answersOf(wireFixture('dns-dnsmasq-answer-ptr'))).toEqual([
      { kind: 'ptr', name: parseName('web.corp.example') },
    ]);
    const [soa] = answersOf(wireFixture('dns-dnsmasq-answer-soa'));
    if (soa?.kind !== 'soa') expect.unreachable('the answer is an SOA');
    expect(nameText(soa.soa.mailbox)).toBe('hostmaster.ns.auth.example');
    expect(soa.soa).toMatchObject({ refreshSeconds: 1200, retrySeconds: 180, minimumSeconds: 600 });
  });

  it.each([
    ['A of three bytes', '00 0001 0001 00000000 0003 010203'],
    ['AAAA of four bytes', '00 001c 0001 00000000 0004 01020304'],
    ['PTR with bytes after the name', '00 000c 0001 00000000 0004 0161 00 00'],
    ['PTR longer than its data', '00 000c 0001 00000000 0002 0161 00'],
    ['SOA without its times', '00 0006 0001 00000000 0002 00 00'],
  ])('%s is rejected', (_, hex) => {
    const bytes = fromHex(hex);
    expect(() => decodeRecordData(bytes, decodeRecordSpan(bytes, 0))).toThrow(CodecError);
  });

  it('of another class has raw data', () => {
    const bytes = fromHex('00 0001 0003 00000000 0003 010203');
    expect(decodeRecordData(bytes, decodeRecordSpan(bytes, 0))).toMatchObject({ kind: 'other' });
  });

  it('is rejected when truncated anywhere', () => {
    const bytes = encodeRecord(encodeName(parseName('a.b')), 5, { kind: 'ptr', name: parseName('c.d') });
    expectEveryProperPrefixRefused(bytes, (part) => decodeRecordSpan(part, 0));
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    const seeds = ['cname', 'aaaa', 'ptr', 'soa'].map((kind) =>
      wireFixture(`dns-dnsmasq-answer-${kind}`).slice(12),
    );
    expectValueOrCodecError((bytes) => decodeRecordData(bytes, decodeRecordSpan(bytes, 0)), seeds);
    expectValueOrCodecError((bytes) => decodeQuestion(bytes, 0), seeds);
  });
});

describe('a DNS question', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(anyName, fc.nat(0xffff), fc.nat(0xffff), (name, type, itsClass) => {
        const bytes = encodeQuestion({ name, type, class: itsClass });
        const question = { name, type, class: itsClass };
        expect(decodeQuestion(bytes, 0)).toEqual({ question, end: bytes.length });
      }),
    );
  });

  it('is rejected when truncated anywhere', () => {
    const bytes = encodeQuestion({ name: parseName('www.corp.example'), type: 1, class: 1 });
    expectEveryProperPrefixRefused(bytes, (part) => decodeQuestion(part, 0));
  });
});
