import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { HvStatus, isKnownStatus, statusText } from '../../../../src/kvp/wire/hv-status.js';
import type { IpInfo } from '../../../../src/kvp/wire/ip-info.codec.js';
import {
  decodeKvpAnswer,
  decodeKvpRegistration,
  decodeKvpRequest,
  decodeKvpStatus,
  encodeKvpAnswer,
  encodeKvpRegistration,
  encodeKvpRequest,
  type KvpOperation,
  type KvpRequest,
} from '../../../../src/kvp/wire/kvp-message.codec.js';
import { textValue, valueText, type KvpValue } from '../../../../src/kvp/wire/kvp-value.codec.js';
import { kvpMessages } from '../../../support/kvp-messages.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  toHex,
} from '../../../support/wire-fixture.js';

const golden = kvpMessages();

const IP_INFO: IpInfo = {
  ...{ adapterId: '02:00:0A:00:4B:02', addressFamily: 3, dhcpEnabled: true },
  ...{ addresses: ['10.0.75.2', 'fe80::1'], netmasks: ['255.255.255.0'] },
  ...{ gateways: ['10.0.75.1'], nameServers: ['10.0.75.1', '10.0.75.3'] },
};
const NO_INFO: IpInfo = {
  ...{ adapterId: '02:00:0A:00:4B:02', addressFamily: 1, dhcpEnabled: false },
  ...{ addresses: [], netmasks: [], gateways: [], nameServers: [] },
};

const REQUESTS: readonly (readonly [string, KvpRequest])[] = [
  ['get', { operation: 'get', pool: 1, key: 'mobyvm.guest' }],
  ['set', { operation: 'set', pool: 0, key: 'greeting', value: textValue('héllo\nworld') }],
  ['set-u32', { operation: 'set', pool: 0, key: 'number', value: { type: 'u32', number: 0x1234_5678 } }],
  [
    'set-u64',
    { operation: 'set', pool: 0, key: 'number', value: { type: 'u64', number: 0x1234_5678_9abc_def1n } },
  ],
  ['delete', { operation: 'delete', pool: 0, key: 'greeting' }],
  ['enumerate', { operation: 'enumerate', pool: 2, index: 7 }],
  ['get-ip-info', { operation: 'get-ip-info', info: NO_INFO }],
  ['set-ip-info', { operation: 'set-ip-info', info: IP_INFO }],
];

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .string({ maxLength, unit: 'grapheme' })
    .filter((each) => !each.includes('\0') && Buffer.byteLength(each) < 500);
const anyValue: fc.Arbitrary<KvpValue> = fc.oneof(
  text(200).map(textValue),
  fc.nat().map((number) => ({ type: 'u32' as const, number })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((number) => ({ type: 'u64' as const, number })),
);
const pool = fc.integer({ min: 0, max: 4 });
const list = fc.array(fc.ipV4(), { maxLength: 10 });
const anyInfo: fc.Arbitrary<IpInfo> = fc.record({
  ...{ adapterId: text(20), addressFamily: fc.nat(255), dhcpEnabled: fc.boolean() },
  ...{ addresses: list, netmasks: list, gateways: list, nameServers: list },
});
const anyRequest: fc.Arbitrary<KvpRequest> = fc.oneof(
  fc.record({ operation: fc.constantFrom('get', 'delete'), pool, key: text(100) }),
  fc.record({ operation: fc.constant('set' as const), pool, key: text(100), value: anyValue }),
  fc.record({ operation: fc.constant('enumerate' as const), pool, index: fc.nat() }),
  fc.record({ operation: fc.constantFrom('get-ip-info', 'set-ip-info'), info: anyInfo }),
);

describe('a KVP request', () => {
  it.each(REQUESTS)('to %s has the layout of the kernel’s header', (name, request) => {
    expect(toHex(encodeKvpRequest(request))).toBe(toHex(golden.get(name)!));
    expect(decodeKvpRequest(golden.get(name)!)).toEqual(request);
  });

  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        expect(decodeKvpRequest(encodeKvpRequest(request))).toEqual(request);
      }),
    );
  });

  it('is rejected when truncated anywhere, or too long', () => {
    const message = golden.get('set')!;
    expectEveryProperPrefixRefused(message, decodeKvpRequest);
    expect(() => decodeKvpRequest(new Uint8Array(7_433))).toThrow(CodecError);
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeKvpRequest, [...golden.values()]);
  });

  it.each([5, 6, 255, -1, 1.5])('for pool %s is never encoded: it would crash the guest’s daemon', (bad) => {
    expect(() => encodeKvpRequest({ operation: 'enumerate', pool: bad, index: 0 })).toThrow(CodecError);
  });

  it('is rejected if a text is too long, unterminated or not text', () => {
    const set = (key: string, value: string) => () =>
      encodeKvpRequest({ operation: 'set', pool: 0, key, value: textValue(value) });
    expect(set('k'.repeat(511), 'v'.repeat(2_047))).not.toThrow();
    for (const call of [
      set('k'.repeat(512), ''),
      set('k', 'v'.repeat(2_048)),
      set('\0', ''),
      set('k', '\ud800'),
    ]) {
      expect(call).toThrow(CodecError);
    }
    const endless = Uint8Array.from(golden.get('set')!).fill(0x61, 16, 528);
    expect(() => decodeKvpRequest(endless)).toThrow('key at byte 512: is not ended by a NUL');
    const noText = Uint8Array.from(golden.get('set')!).fill(0xff, 16, 20);
    expect(() => decodeKvpRequest(noText)).toThrow('is not UTF-8');
  });
});

describe('a KVP answer', () => {
  const answers = [
    ['enumerate', { status: 0, key: 'OSName', value: textValue('Debian') }],
    ['get', { status: 0, value: textValue('1') }],
    ['get', { status: 0, value: { type: 'u32', number: 7 } }],
    ['get-ip-info', { status: 0, info: { ...IP_INFO, adapterId: 'eth0' } }],
    ['set', { status: 0 }],
    ['delete', { status: HvStatus.noMoreItems }],
    ['enumerate', { status: HvStatus.fail }],
  ] as const;

  it.each(answers)('to %s survives encoding and decoding', (operation, answer) => {
    const bytes = encodeKvpAnswer(operation, answer);
    expect(decodeKvpAnswer(operation, bytes)).toEqual(answer);
    expect(decodeKvpStatus(bytes)).toBe(answer.status);
  });

  it('has the layout of the kernel’s header', () => {
    expect(decodeKvpAnswer('enumerate', golden.get('answer-enumerate')!)).toEqual(answers[0][1]);
    expect(decodeKvpAnswer('get', golden.get('answer-get')!)).toEqual(answers[1][1]);
    expect(decodeKvpAnswer('enumerate', golden.get('answer-no-more')!).status).toBe(HvStatus.noMoreItems);
    expect(decodeKvpAnswer('set', golden.get('answer-fail')!).status).toBe(HvStatus.fail);
  });

  it('has no other contents if it failed', () => {
    const bytes = Uint8Array.from(golden.get('answer-enumerate')!).fill(0xff, 0, 600);
    expect(decodeKvpAnswer('enumerate', bytes)).toEqual({ status: 0xffff_ffff });
  });

  it('can have texts with leftovers after their ends', () => {
    const bytes = Uint8Array.from(golden.get('answer-get')!);
    bytes.set(Buffer.from('tail of an older value'), 530);
    expect(decodeKvpAnswer('get', bytes).value).toEqual(textValue('1'));
  });

  it.each(['get', 'enumerate', 'get-ip-info', 'set'] as const)(
    'to %s of arbitrary bytes gives a value or a CodecError',
    (operation: KvpOperation) => {
      expectValueOrCodecError((bytes) => decodeKvpAnswer(operation, bytes), [...golden.values()]);
    },
  );

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(golden.get('answer-get')!, (bytes) => decodeKvpAnswer('get', bytes));
  });

  it('shows numbers in decimal', () => {
    expect(valueText({ type: 'u64', number: 2n ** 63n })).toBe('9223372036854775808');
    expect(valueText(textValue('x'))).toBe('x');
  });
});

describe('a KVP registration', () => {
  it.each([
    ['register1', { legacy: false, version: '3.1' }],
    ['register', { legacy: true, version: '2.0' }],
  ])('%s has the layout of the kernel’s header', (name, registration) => {
    expect(toHex(encodeKvpRegistration(registration))).toBe(toHex(golden.get(name)!));
    expect(decodeKvpRegistration(golden.get(name)!)).toEqual(registration);
  });

  it('is not decoded from another, truncated or arbitrary message', () => {
    expect(() => decodeKvpRegistration(golden.get('set')!)).toThrow(CodecError);
    expectEveryProperPrefixRefused(golden.get('register1')!, decodeKvpRegistration);
    expectValueOrCodecError(decodeKvpRegistration, [golden.get('register1')!]);
  });
});

describe('a status', () => {
  it('has a name and a number', () => {
    expect(statusText(HvStatus.fail)).toBe('failed (0x80004005)');
    expect(statusText(5)).toBe('unknown status (0x00000005)');
    expect([0, 0x8007_0103, 1].map(isKnownStatus)).toEqual([true, true, false]);
  });
});
