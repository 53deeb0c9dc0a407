import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4FromNumber } from '../../../../src/core/values/index.js';
import {
  addressOption,
  addressValue,
  maxMessageSizeOption,
  messageTypeName,
  messageTypeOption,
  u16Value,
  u32Value,
} from '../../../../src/proxy/dhcp/options.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  fromHex,
  toHex,
} from '../../../support/wire-fixture.js';

describe('a DHCP option value', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffff), (number, size) => {
        const address = ipv4FromNumber(number);
        expect(addressOption(new Map([[50, addressValue(address)]]), 50)).toBe(address);
        expect(maxMessageSizeOption(new Map([[57, u16Value(size)]]))).toBe(size);
      }),
    );
  });

  it('has the format of RFC 2132', () => {
    expect(toHex(u32Value(3600))).toBe('00000e10');
    expect(toHex(u16Value(1480))).toBe('05c8');
    const addresses = addressValue(ipv4FromNumber(0x0a004b01), ipv4FromNumber(0x08080808));
    expect(toHex(addresses)).toBe('0a004b0108080808');
  });

  it('is undefined if the option is absent', () => {
    expect(addressOption(new Map(), 50)).toBeUndefined();
    expect(messageTypeOption(new Map())).toBeUndefined();
    expect(maxMessageSizeOption(new Map())).toBeUndefined();
  });

  it('is rejected when truncated anywhere', () => {
    expectEveryProperPrefixRefused(fromHex('0a004b02'), (value) => addressOption(new Map([[50, value]]), 50));
    expectEveryProperPrefixRefused(fromHex('0240'), (value) => maxMessageSizeOption(new Map([[57, value]])));
    expectEveryProperPrefixRefused(fromHex('01'), (value) => messageTypeOption(new Map([[53, value]])));
  });

  it('of arbitrary bytes gives a value or a CodecError', () => {
    expectValueOrCodecError((value) => addressOption(new Map([[54, value]]), 54), [fromHex('0a004b02')]);
    expectValueOrCodecError((value) => maxMessageSizeOption(new Map([[57, value]])), [fromHex('0240')]);
    expectValueOrCodecError((value) => messageTypeOption(new Map([[53, value]])), [fromHex('01')]);
  });

  it('of option 53 has a name for logs', () => {
    expect(messageTypeName(1)).toBe('discover');
    expect(messageTypeName(13)).toBe('type 13');
  });
});
