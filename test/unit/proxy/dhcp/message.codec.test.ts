import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError, ipv4FromNumber } from '../../../../src/core/values/index.js';
import {
  decodeMessage,
  encodeMessage,
  FIXED_BYTES,
  MAX_MESSAGE_BYTES,
  type DhcpMessage,
} from '../../../../src/proxy/dhcp/message.codec.js';
import { dhcpRequest } from '../../../support/dhcp-message.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  toHex,
  wireFixture,
} from '../../../support/wire-fixture.js';

const u = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const address = u(32).map(ipv4FromNumber);
const fixedBytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyMessage: fc.Arbitrary<DhcpMessage> = fc.record({
  op: u(8),
  hardwareType: u(8),
  hardwareLength: fc.integer({ min: 0, max: 16 }),
  hops: u(8),
  transactionId: u(32),
  seconds: u(16),
  broadcast: fc.boolean(),
  reservedFlags: u(15),
  clientAddress: address,
  yourAddress: address,
  nextServerAddress: address,
  relayAddress: address,
  clientHardwareAddress: fixedBytes(16),
  serverName: fixedBytes(64),
  bootFile: fixedBytes(128),
  options: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 80 })), { maxLength: 8 })
    .map((entries) => new Map(entries.filter(([code]) => code !== 52))),
});

describe('a DHCP message', () => {
  it('decodes to what was encoded, unknown options included', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
      }),
    );
  });

  it.each(['dhcp-udhcpc-discover', 'dhcp-udhcpc-renew', 'dhcp-udhcpc-release', 'dhcp-dnsmasq-offer'])(
    'of %s is decoded and encoded to the same bytes',
    (name) => {
      expect(toHex(encodeMessage(decodeMessage(wireFixture(name))))).toBe(toHex(wireFixture(name)));
    },
  );

  it('from udhcpc has the fields that udhcpc sends', () => {
    const discover = decodeMessage(wireFixture('dhcp-udhcpc-discover'));
    expect(discover).toMatchObject({ op: 1, hardwareType: 1, hardwareLength: 6, broadcast: false });
    expect(toHex(discover.clientHardwareAddress.slice(0, 6))).toBe('02000a004b02');
    expect([...discover.options.keys()]).toEqual([53, 57, 55, 12, 60, 61]);
  });

  it('from dnsmasq has the address that dnsmasq offers', () => {
    const offer = decodeMessage(wireFixture('dhcp-dnsmasq-offer'));
    expect(offer).toMatchObject({ op: 2, yourAddress: '10.0.75.2', nextServerAddress: '10.0.75.1' });
    expect(offer.options.get(51)).toEqual(Uint8Array.of(0, 0, 0x0e, 0x10));
  });

  it('is at least as long as a BOOTP message (RFC 951)', () => {
    expect(encodeMessage(dhcpRequest({ 53: [1] }))).toHaveLength(300);
  });

  it('has the options from "file" and then "sname" with option 52', () => {
    const serverName = new Uint8Array(64);
    serverName.set(fromHex('3c02 6262 770163 ff'));
    const bootFile = new Uint8Array(128);
    bootFile.set(fromHex('3204 0a004b02 770162 ff'));
    const bytes = encodeMessage(dhcpRequest({ 53: [3], 119: [0x61], 52: [3] }, { serverName, bootFile }));
    const message = decodeMessage(bytes);
    expect(message.options).toEqual(
      new Map([
        [53, Uint8Array.of(3)],
        [119, fromHex('616263')],
        [50, fromHex('0a004b02')],
        [60, fromHex('6262')],
      ]),
    );
    expect(message.bootFile).toEqual(new Uint8Array(128));
    expect(message.serverName).toEqual(new Uint8Array(64));
  });

  it.each([
    ['is too long', new Uint8Array(MAX_MESSAGE_BYTES + 1)],
    ['has no magic cookie (plain BOOTP)', new Uint8Array(300)],
    ['has a hardware address longer than its field', hardwareLength(17)],
    ['has an unknown overload', encodeMessage(dhcpRequest({ 52: [4] }))],
    ['overloads "file" with no options in it', encodeMessage(dhcpRequest({ 52: [1] }))],
  ])('is rejected when it %s', (_, bytes) => {
    expect(() => decodeMessage(bytes)).toThrow(CodecError);
  });

  it('is rejected when truncated anywhere', () => {
    const padded = wireFixture('dhcp-udhcpc-discover');
    expectEveryProperPrefixRefused(padded.slice(0, padded.lastIndexOf(255) + 1), decodeMessage);
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeMessage, [
      wireFixture('dhcp-udhcpc-discover'),
      wireFixture('dhcp-dnsmasq-offer'),
    ]);
  });

  it('keeps its meaning when decoded and encoded again', () => {
    const garbage = fc.uint8Array({ maxLength: 200 }).map((tail) => {
      const head = wireFixture('dhcp-udhcpc-discover').slice(0, FIXED_BYTES);
      return Uint8Array.from([...head, ...tail, 255]);
    });
    fc.assert(
      fc.property(garbage, (bytes) => {
        let message: DhcpMessage;
        try {
          message = decodeMessage(bytes);
        } catch {
          return;
        }
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
      }),
    );
  });
});

function hardwareLength(length: number): Uint8Array {
  const bytes = wireFixture('dhcp-udhcpc-discover');
  bytes[2] = length;
  return bytes;
}
