import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ipv4FromBytes,
  ipv4FromNumber,
  ipv4ToBytes,
  ipv4ToNumber,
  isIpv4,
  parseIpv4,
} from '../../../src/core/values/index.js';

const number = fc.integer({ min: 0, max: 0xffffffff });

describe('Ipv4', () => {
  test.each(['0.0.0.0', '10.0.75.1', '255.255.255.255', '1.20.200.9'])('"%s" is an address', (text) => {
    expect(isIpv4(text)).toBe(true);
    expect(parseIpv4(text)).toBe(text);
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.-4',
    '0x1.2.3.4',
    '1.2.3.',
    '1e1.2.3.4',
    '::1',
    '١.2.3.4',
  ])('"%s" is rejected, and the remedy shows what an address looks like', (text) => {
    expect(isIpv4(text)).toBe(false);
    expect(() => parseIpv4(text)).toThrow(
      expect.objectContaining({
        code: 'MOBYVM_SETTINGS',
        message: expect.stringContaining(`"${text}"`) as string,
        remedy: expect.stringContaining('10.0.75.1') as string,
      }),
    );
  });

  test('converts to bytes and to a number and back', () => {
    expect(ipv4ToNumber(parseIpv4('10.0.75.1'))).toBe(0x0a004b01);
    expect([...ipv4ToBytes(parseIpv4('255.1.0.254'))]).toEqual([255, 1, 0, 254]);
    fc.assert(
      fc.property(number, (value) => {
        const address = ipv4FromNumber(value);
        expect(isIpv4(address)).toBe(true);
        expect(ipv4ToNumber(address)).toBe(value);
        expect(ipv4FromBytes(ipv4ToBytes(address))).toBe(address);
      }),
    );
  });

  test('reads four bytes, however many are given', () => {
    expect(ipv4FromBytes(Uint8Array.of(1, 2, 3, 4, 5))).toBe('1.2.3.4');
    expect(ipv4FromBytes(Uint8Array.of(1, 2))).toBe('1.2.0.0');
  });
});
