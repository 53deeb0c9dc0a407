import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeGuestMessage,
  encodeGuestMessage,
  encodeHostAnswer,
  MAX_LINE_BYTES,
  type GuestMessage,
} from '../../../../src/proxy/port/control.codec.js';

const EXPOSE: GuestMessage = {
  kind: 'expose',
  expose: {
    token: 'planted',
    isRenewal: false,
    request: {
      protocol: 'tcp',
      hostIp: '127.0.0.1',
      hostPort: 8080,
      containerIp: '172.17.0.2',
      containerPort: 80,
      relayPort: 40_123,
    },
  },
};
const GOLDEN =
  '{"op":"expose","token":"planted","renew":false,"proto":"tcp","hostIp":"127.0.0.1","hostPort":8080,"containerIp":"172.17.0.2","containerPort":80,"relayPort":40123}\n';

const port = fc.integer({ min: 1, max: 65_535 });
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const expose = fc.record({
  token: fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/),
  isRenewal: fc.boolean(),
  request: fc.record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    hostIp: address,
    hostPort: port,
    containerIp: address,
    containerPort: port,
    relayPort: fc.option(port, { nil: undefined }),
  }),
});

describe('a message from the guest', () => {
  test('has this wire format', () => {
    expect(encodeGuestMessage(EXPOSE)).toBe(GOLDEN);
    expect(encodeGuestMessage({ kind: 'release' })).toBe('{"op":"release"}\n');
  });

  test('survives encoding and decoding', () => {
    fc.assert(
      fc.property(expose, (each) => {
        const message: GuestMessage = { kind: 'expose', expose: each };
        const line = encodeGuestMessage(message);
        expect(line.length).toBeLessThan(MAX_LINE_BYTES);
        expect(decodeGuestMessage(line.trimEnd())).toEqual(message);
      }),
    );
    expect(decodeGuestMessage('{"op":"release"}')).toEqual({ kind: 'release' });
  });

  test('is rejected without its end', () => {
    for (let end = 0; end < GOLDEN.length - 1; end += 1)
      expect(() => decodeGuestMessage(GOLDEN.slice(0, end))).toThrow(CodecError);
  });

  test.each([
    ['another operation', { op: 'unexpose' }],
    ['port 0', { hostPort: 0 }],
    ['port 65536', { containerPort: 65_536 }],
    ['a port that is a string', { hostPort: '80' }],
    ['a name instead of an address', { hostIp: 'localhost' }],
    ['an address that is too long', { hostIp: '1'.repeat(46) }],
    ['no token', { token: undefined }],
    ['an unknown field', { more: 1 }],
    ['SCTP', { proto: 'sctp' }],
  ])('with %s is rejected', (_what, change) => {
    const fields = JSON.parse(GOLDEN) as Record<string, unknown>;
    expect(() => decodeGuestMessage(JSON.stringify({ ...fields, ...change }))).toThrow(CodecError);
  });

  test('of arbitrary text gives a value or a CodecError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (text) => {
        try {
          decodeGuestMessage(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });
});

describe('an answer from the host', () => {
  test('has this wire format', () => {
    expect(encodeHostAnswer({ kind: 'ok', hairpin: false })).toBe('{"ok":true,"hairpin":false}\n');
    expect(encodeHostAnswer({ kind: 'relay' })).toBe('{"ok":false,"relay":true}\n');
    expect(encodeHostAnswer({ kind: 'error', reason: 'by "C:\\x y.exe" ü' })).toBe(
      '{"ok":false,"error":"by \\"C:\\\\x y.exe\\" ü"}\n',
    );
  });

  test('is one line that fits the guest’s buffer, with only the escapes that it decodes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (reason) => {
        const line = encodeHostAnswer({ kind: 'error', reason });
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(line.replaceAll(/\\["\\]/g, '')).not.toContain('\\');
        expect(Buffer.byteLength(line)).toBeLessThan(2_560);
      }),
    );
  });
});
