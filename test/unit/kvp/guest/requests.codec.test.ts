import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeClockAnswer,
  decodeClockRequest,
  encodeClockRequest,
} from '../../../../src/kvp/guest/clock-request.codec.js';
import {
  decodeGuestConfiguration,
  encodeGuestConfiguration,
  secretsOf,
  type GuestConfiguration,
} from '../../../../src/kvp/guest/configuration.codec.js';
import { encodeFields, utf8Field } from '../../../../src/kvp/guest/fields.codec.js';
import {
  decodeShareRequest,
  encodeShareRequest,
  type MountRequest,
  type ShareRequest,
} from '../../../../src/kvp/guest/share-request.codec.js';
import {
  decodeTimeAnswer,
  decodeTimeRequest,
  encodeTimeAnswer,
  encodeTimeRequest,
  type TimeAnswer,
} from '../../../../src/kvp/guest/time-request.codec.js';
import { expectEveryProperPrefixRefused, expectValueOrCodecError } from '../../../support/wire-fixture.js';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\nbW9yZQ==\n-----END PRIVATE KEY-----';
const CONFIGURATION: GuestConfiguration = {
  ...{ token: 'abcdefghijklmnop', daemonJson: '{"debug":true}', hostName: 'moby', timeMs: 1_790_000_000_123 },
  stopSeconds: 120,
  swapMiB: 1024,
  ...{ caCertificate: PEM, serverCertificate: PEM + PEM, serverKey: KEY },
};

describe('the guest’s configuration', () => {
  it('survives encoding and decoding', () => {
    expect(decodeGuestConfiguration(encodeGuestConfiguration(CONFIGURATION))).toEqual(CONFIGURATION);
    const some = fc.record(
      {
        token: fc.stringMatching(/^[A-Za-z0-9_-]{16,128}$/),
        daemonJson: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
        hostName: fc.stringMatching(/^[a-z0-9]{1,63}$/),
        stopSeconds: fc.integer({ min: 1, max: 9_999 }),
        swapMiB: fc.integer({ min: 1, max: 9_999_999 }),
        shares: fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), { minLength: 1, maxLength: 64 }),
        timeMs: fc.integer({ min: 1_000, max: 99_999_999_999_999 }),
      },
      { requiredKeys: ['token'] },
    );
    fc.assert(
      fc.property(some, (each) => {
        expect(decodeGuestConfiguration(encodeGuestConfiguration(each))).toEqual(each);
      }),
    );
  });

  it('has the format documented for the guest', () => {
    const body = new TextDecoder().decode(
      encodeGuestConfiguration({ hostName: 'moby', timeMs: 1_790_000_000_120 }),
    );
    expect(body).toBe('mobyvm-config 1\nhost-name bW9ieQ==\ntime MTc5MDAwMDAwMC4xMjA=\nend\n');
  });

  it('ignores unknown fields of a body', () => {
    const fields = [utf8Field('new', 'x'), utf8Field('host-name', 'moby')];
    const body = encodeFields({ kind: 'mobyvm-config', version: 1, fields });
    expect(decodeGuestConfiguration(body)).toEqual({ hostName: 'moby' });
  });

  it('is rejected when truncated anywhere, or of another kind or version', () => {
    expectEveryProperPrefixRefused(encodeGuestConfiguration(CONFIGURATION), decodeGuestConfiguration);
    const fields = [utf8Field('host-name', 'moby')];
    for (const change of [{ kind: 'other' }, { version: 2 }]) {
      const body = encodeFields({ kind: 'mobyvm-config', version: 1, fields, ...change });
      expect(() => decodeGuestConfiguration(body)).toThrow(CodecError);
    }
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeGuestConfiguration, [encodeGuestConfiguration(CONFIGURATION)]);
  });

  it.each([
    ['nothing', {}],
    ['a short token', { token: 'short' }],
    ['a token with a space', { token: 'abcdefgh ijklmnop' }],
    ['invalid JSON', { daemonJson: '{' }],
    ['JSON that is not an object', { daemonJson: '[]' }],
    ['an invalid certificate', { caCertificate: 'MIIB' }],
    ['a key with text before it', { serverKey: `x\n${KEY}` }],
    ['a host name with a dot', { hostName: 'moby.local' }],
    ['a host name with a leading dash', { hostName: '-moby' }],
    ['a share without a name', { shares: ['C', ''] }],
    ['a share with a blank in its name', { shares: ['C D'] }],
    ['too many shares', { shares: Array.from({ length: 65 }, () => 'C') }],
    ['a stop limit of 0', { stopSeconds: 0 }],
    ['a stop limit that is too long', { stopSeconds: 10_000 }],
    ['a fractional stop limit', { stopSeconds: 1.5 }],
    ['no swap space', { swapMiB: 0 }],
    ['too much swap space', { swapMiB: 10_000_000 }],
    ['a time before 1970', { timeMs: -1 }],
    ['a missing time', { timeMs: Number.NaN }],
  ])('with %s is rejected without revealing the value', (_what, configuration: GuestConfiguration) => {
    const call = (): unknown => encodeGuestConfiguration(configuration);
    expect(call).toThrow(CodecError);
    for (const value of Object.values(configuration)) {
      if (typeof value === 'string') expect(call).not.toThrow(value);
    }
  });

  it('knows its secrets', () => {
    expect(secretsOf(CONFIGURATION)).toEqual(['abcdefghijklmnop', 'c2VjcmV0', 'bW9yZQ==']);
    expect(secretsOf({ hostName: 'moby' })).toEqual([]);
  });
});

const MOUNT: MountRequest = {
  ...{ op: 'mount' as const, unc: '//10.0.75.1/C', points: ['/C', '/c'], user: 'mobyuser', domain: 'HOST' },
  ...{ options: ['vers=3.0', 'noperm'], password: 'a,b" \t\'#;$`%=üml€😀\\' },
};

describe('a share request', () => {
  it.each<[string, ShareRequest]>([
    ['mount', MOUNT],
    [
      'mount of a subfolder as a guest',
      { ...MOUNT, unc: '//host/C/Users/x y', user: '', domain: '', options: [], password: '' },
    ],
    ['umount', { op: 'umount', points: ['/C', '/c'] }],
  ])('to %s survives encoding and decoding', (_what, request) => {
    expect(decodeShareRequest(encodeShareRequest(request))).toEqual(request);
  });

  it('carries any password that mount.cifs takes', () => {
    const password = fc.string({ maxLength: 256, unit: 'grapheme' }).filter((text) => !/[\0\r\n]/.test(text));
    fc.assert(
      fc.property(password, (each) => {
        expect(decodeShareRequest(encodeShareRequest({ ...MOUNT, password: each }))).toMatchObject({
          password: each,
        });
      }),
    );
  });

  it('has the format documented for the guest', () => {
    expect(new TextDecoder().decode(encodeShareRequest({ ...MOUNT, password: 'p', domain: '' }))).toBe(
      [
        ...['mobyvm-share 1', 'op bW91bnQ=', 'unc Ly8xMC4wLjc1LjEvQw==', 'point L0M=', 'point L2M='],
        ...[
          'user bW9ieXVzZXI=',
          'domain ',
          'option dmVycz0zLjA=',
          'option bm9wZXJt',
          'password cA==',
          'end',
          '',
        ],
      ].join('\n'),
    );
  });

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(encodeShareRequest(MOUNT), decodeShareRequest);
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeShareRequest, [encodeShareRequest(MOUNT)]);
  });

  it.each<[string, Partial<MountRequest>]>([
    ['no mount point', { points: [] }],
    ['nine mount points', { points: Array.from({ length: 9 }, (_, index) => `/${index}`) }],
    ['a relative mount point', { points: ['C'] }],
    ['the root as a mount point', { points: ['/'] }],
    ['a mount point that climbs', { points: ['/C/../etc'] }],
    ['a mount point with a line end', { points: ['/C\n/etc'] }],
    ['a UNC with backslashes', { unc: '\\\\host\\C' }],
    ['a UNC without a share', { unc: '//host/' }],
    ['a UNC that climbs', { unc: '//host/C/../D' }],
    ['a user with a line end', { user: 'a\nb' }],
    ['a domain with a NUL', { domain: 'a\0' }],
    ['an option with a comma', { options: ['a,b'] }],
    ['an empty option', { options: [''] }],
    ['a password among the options', { options: ['password=x'] }],
    ['a password with a line end', { password: 'a\nb' }],
    ['a password of 513 characters', { password: 'x'.repeat(513) }],
    ['half a surrogate pair', { user: '\ud800' }],
  ])('with %s is rejected', (_what, change) => {
    expect(() => encodeShareRequest({ ...MOUNT, ...change })).toThrow(CodecError);
  });

  it('is rejected with another kind, version or operation', () => {
    const body = (change: object, op = 'umount'): Uint8Array =>
      encodeFields({
        kind: 'mobyvm-share',
        version: 1,
        fields: [utf8Field('op', op), utf8Field('point', '/C')],
        ...change,
      });
    expect(decodeShareRequest(body({}))).toEqual({ op: 'umount', points: ['/C'] });
    for (const bad of [
      body({ kind: 'other' }),
      body({ version: 2 }),
      body({}, 'remount'),
      body({}, 'mount'),
    ]) {
      expect(() => decodeShareRequest(bad)).toThrow(CodecError);
    }
  });
});

describe('a time request', () => {
  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 99_999_999_999_999 }), (timeMs) => {
        expect(decodeTimeRequest(encodeTimeRequest({ timeMs }))).toEqual({ timeMs });
      }),
    );
  });

  it('has the format documented for the guest', () => {
    const body = new TextDecoder().decode(encodeTimeRequest({ timeMs: 1_790_000_000_120 }));
    expect(body).toBe('mobyvm-time 1\ntime MTc5MDAwMDAwMC4xMjA=\nend\n');
  });

  it('ignores unknown fields of a body', () => {
    const fields = [utf8Field('new', 'x'), utf8Field('time', '1790000000.120')];
    const body = encodeFields({ kind: 'mobyvm-time', version: 1, fields });
    expect(decodeTimeRequest(body)).toEqual({ timeMs: 1_790_000_000_120 });
  });

  it('is rejected when truncated anywhere, of another kind or version, or without a time', () => {
    expectEveryProperPrefixRefused(encodeTimeRequest({ timeMs: 1_790_000_000_120 }), decodeTimeRequest);
    const fields = [utf8Field('time', '1790000000.120')];
    for (const change of [
      { kind: 'other' },
      { version: 2 },
      { fields: [] },
      { fields: [...fields, ...fields] },
    ]) {
      const body = encodeFields({ kind: 'mobyvm-time', version: 1, fields, ...change });
      expect(() => decodeTimeRequest(body)).toThrow(CodecError);
    }
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeTimeRequest, [encodeTimeRequest({ timeMs: 1_790_000_000_120 })]);
  });

  it.each([0, 999, -1, Number.NaN, Number.POSITIVE_INFINITY, 100_000_000_000_000])(
    'of %d is rejected',
    (timeMs) => {
      expect(() => encodeTimeRequest({ timeMs })).toThrow(CodecError);
    },
  );
});

describe('a clock request', () => {
  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: -2_000, max: 2_000 }), { nil: undefined }), (adjustMs) => {
        const request = adjustMs === undefined ? {} : { adjustMs };
        expect(decodeClockRequest(encodeClockRequest(request))).toEqual(request);
      }),
    );
  });

  it('has the format documented for the guest', () => {
    expect(new TextDecoder().decode(encodeClockRequest({}))).toBe('mobyvm-clock 1\nend\n');
    const body = new TextDecoder().decode(encodeClockRequest({ adjustMs: -250 }));
    expect(body).toBe('mobyvm-clock 1\nadjust LTI1MA==\nend\n');
  });

  it('is rejected when truncated anywhere, of another kind or version, or with a malformed correction', () => {
    expectEveryProperPrefixRefused(encodeClockRequest({ adjustMs: -250 }), decodeClockRequest);
    for (const change of [
      { kind: 'other' },
      { version: 2 },
      ...['', '-', '-0', '01', '1.5', '2001', '-2001', '5 '].map((text) => ({
        fields: [utf8Field('adjust', text)],
      })),
    ]) {
      const body = encodeFields({ kind: 'mobyvm-clock', version: 1, fields: [], ...change });
      expect(() => decodeClockRequest(body)).toThrow(CodecError);
    }
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError(decodeClockRequest, [encodeClockRequest({ adjustMs: -250 })]);
  });

  it.each([0.5, 2_001, Number.NaN, Number.POSITIVE_INFINITY])('by %d ms is rejected', (adjustMs) => {
    expect(() => encodeClockRequest({ adjustMs })).toThrow(CodecError);
  });

  it('is answered with milliseconds since 1970, and nothing else', () => {
    expect(decodeClockAnswer('1790000000123')).toBe(1_790_000_000_123);
    for (const bad of ['', '0', '-1', '01', '1.5', '1e9', ' 1', '1 kept', '9'.repeat(15)])
      expect(() => decodeClockAnswer(bad), bad).toThrow(CodecError);
  });
});

describe('the answer to a time request', () => {
  const answer: fc.Arbitrary<TimeAnswer> = fc.record({
    offsetMs: fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
    action: fc.constantFrom('stepped', 'kept', 'rtc'),
  });

  it('survives encoding and decoding', () => {
    fc.assert(
      fc.property(answer, (each) => {
        expect(decodeTimeAnswer(encodeTimeAnswer(each))).toEqual(each);
      }),
    );
    expect(encodeTimeAnswer({ offsetMs: -3_600_500, action: 'stepped' })).toBe('-3600500 stepped');
  });

  it('is rejected when truncated anywhere, or malformed', () => {
    const text = '-3600500 stepped';
    const prefixes = Array.from({ length: text.length }, (_, length) => text.slice(0, length));
    const bad = [
      '-0 kept',
      '01 kept',
      '+1 kept',
      '1.5 kept',
      '1  kept',
      '1 kept ',
      '1 kept\n',
      '1 KEPT',
      '1 set',
    ];
    for (const each of [...prefixes, ...bad, `${'9'.repeat(16)} kept`]) {
      expect(() => decodeTimeAnswer(each), each).toThrow(CodecError);
    }
  });

  it('of arbitrary text gives a value or a CodecError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^-?[0-9]{0,17} [a-z]{0,8}$/)), (text) => {
        try {
          decodeTimeAnswer(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });

  it('is not encoded with half a millisecond', () => {
    expect(() => encodeTimeAnswer({ offsetMs: 0.5, action: 'kept' })).toThrow(CodecError);
  });
});
