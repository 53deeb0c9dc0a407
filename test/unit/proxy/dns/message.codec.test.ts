import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { MAX_QUERY_BYTES } from '../../../../src/proxy/dns/dns-constants.js';
import {
  decodeMessage,
  decodeQuery,
  decodeSections,
  matchAnswer,
  withId,
  type DnsQuery,
} from '../../../../src/proxy/dns/message.codec.js';
import { nameText } from '../../../../src/proxy/dns/name.codec.js';
import { answerBytes, PLAIN_EDNS, queryBytes, queryFor } from '../../../support/dns-message.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  toHex,
  wireFixture,
} from '../../../support/wire-fixture.js';

const queryOf = (bytes: Uint8Array): DnsQuery => decodeQuery(decodeMessage(bytes));
const sectionsOf = (bytes: Uint8Array) => decodeSections(decodeMessage(bytes));
const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);

describe('a DNS query', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(
        fc.array(label, { maxLength: 6 }),
        fc.nat(0xffff),
        fc.boolean(),
        (labels, type, hasEdns) => {
          const query = queryFor(labels.join('.'), { type, ...(hasEdns ? { edns: {} } : {}) });
          expect(nameText(query.question.name)).toBe(labels.join('.'));
          expect(query.question).toMatchObject({ type, class: 1 });
          expect(query.edns).toEqual(hasEdns ? PLAIN_EDNS : undefined);
        },
      ),
    );
  });

  it('from dig is decoded, and keeps every byte', () => {
    const bytes = wireFixture('dns-dig-query-edns-cookie');
    const query = queryOf(bytes);
    expect(nameText(query.question.name)).toBe('www.corp.example');
    expect(query.question.type).toBe(1);
    expect(query.questionEnd).toBe(34);
    expect(toHex(query.bytes)).toBe(toHex(bytes));
  });

  it.each([
    ['no question', queryBytes('a', { header: { questions: 0 } })],
    ['two questions', queryBytes('a', { header: { questions: 2 } })],
    ['trailing bytes', Uint8Array.from([...queryBytes('a'), 0])],
    ['a missing record', queryBytes('a', { header: { additionals: 1 } })],
    ['65,535 missing records', queryBytes('a', { header: { answers: 0xffff } })],
    ['two OPT records', twoOpts()],
    ['too many bytes', new Uint8Array(MAX_QUERY_BYTES + 1)],
  ])('with %s is rejected', (_, bytes) => {
    expect(() => queryOf(bytes)).toThrow(CodecError);
  });

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(wireFixture('dns-dig-query-edns-cookie'), queryOf);
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(queryOf, [wireFixture('dns-dig-query-edns-cookie'), queryBytes('a.b')]);
  });
});

describe('a DNS message', () => {
  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(wireFixture('dns-dnsmasq-answer-soa'), sectionsOf);
  });

  it('of arbitrary bytes gives its sections or a CodecError', () => {
    const names = ['cname', 'aaaa', 'ptr', 'soa', 'mixed-case'];
    expectValueOrCodecError(
      sectionsOf,
      names.map((name) => wireFixture(`dns-dnsmasq-answer-${name}`)),
    );
  });

  it('gets another id in a copy that is otherwise unchanged', () => {
    const bytes = Buffer.from(wireFixture('dns-dnsmasq-answer-soa'));
    const copy = withId(bytes, 0xbeef);
    expect(toHex(copy)).toBe(`beef${toHex(bytes).slice(4)}`);
    expect(toHex(bytes.subarray(0, 2))).not.toBe('beef');
  });
});

describe('an answer', () => {
  const query = queryFor('wEb.Corp.example', { type: 0x41 });
  const id = query.header.id;
  const good = answerBytes(query, []);

  it('belongs to the query with its id, opcode and question', () => {
    expect(matchAnswer(query, id, good)).toEqual(decodeMessage(good));
  });

  it.each([
    ['another id', withId(good, id + 1)],
    ['another name', answerBytes(queryFor('wEb.Corp.exampl3', { type: 0x41 }), [])],
    ['a longer name', answerBytes(queryFor('a.wEb.Corp.example', { type: 0x41 }), [])],
    ['another type, which looks like the same letter in the other case', answerBytes(other(0x61), [])],
    ['another opcode', answerBytes(query, [], { opcode: 4 })],
    ['the query bit', answerBytes(query, [], { isResponse: false })],
    ['no question, though it claims success', fromHex('1234 8180 0000 0000 0000 0000')],
    ['fewer bytes than a header', good.slice(0, 11)],
    ['a truncated question', good.slice(0, 20)],
  ])('with %s does not belong to it', (_, bytes) => {
    expect(matchAnswer(query, id, bytes)).toBeUndefined();
  });

  it('can have the name in another case', () => {
    const answer = answerBytes(queryFor('web.corp.example', { type: 0x41 }), []);
    expect(matchAnswer(query, id, answer)?.bytes).toEqual(answer);
  });

  it('with an error may omit the question', () => {
    expect(matchAnswer(query, id, fromHex('1234 8182 0000 0000 0000 0000'))?.header.rcode).toBe(2);
  });

  it('gets the id of the client’s query back', () => {
    const answer = matchAnswer(query, 0xbeef, withId(good, 0xbeef));
    expect(answer).toEqual(decodeMessage(withId(good, query.header.id)));
  });

  it('of arbitrary bytes matches or does not, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const forged = Uint8Array.from([0x12, 0x34, ...bytes]);
        const answer = matchAnswer(query, id, forged);
        if (answer !== undefined) expect(answer.bytes).toEqual(forged);
      }),
    );
  });

  function other(type: number) {
    return queryFor('wEb.Corp.example', { type });
  }
});

function twoOpts(): Uint8Array {
  const bytes = queryBytes('a', { edns: {}, header: { additionals: 2 } });
  return Uint8Array.from([...bytes, ...fromHex('00 0029 04d0 00000000 0000')]);
}
