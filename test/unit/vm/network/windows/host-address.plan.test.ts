import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../../../../src/core/values/index.js';
import {
  planHostAddress,
  wrongAddresses,
  type HostAddressFound,
} from '../../../../../src/vm/network/windows/host-address.plan.js';

const wanted = { address: parseIpv4('10.0.75.1'), prefixLength: 24 };
const RIGHT: HostAddressFound = {
  ...{ interfaceIndex: 21, hasDhcp: false, addressElsewhere: undefined },
  addresses: [{ address: parseIpv4('10.0.75.1'), prefixLength: 24 }],
};

describe("the plan for the host's address", () => {
  it.each<[string, Partial<HostAddressFound>, unknown]>([
    ['correct', {}, { kind: 'none' }],
    [
      'correct beside a link-local address',
      { addresses: [...RIGHT.addresses, { address: parseIpv4('169.254.7.7'), prefixLength: 16 }] },
      { kind: 'none' },
    ],
    ['with DHCP', { hasDhcp: true }, { kind: 'update', fields: ['dhcp'] }],
    ['without an address', { addresses: [] }, { kind: 'update', fields: ['address'] }],
    [
      'with a wrong prefix',
      { addresses: [{ address: parseIpv4('10.0.75.1'), prefixLength: 16 }] },
      { kind: 'update', fields: ['address', 'other addresses'] },
    ],
    [
      'with the address of earlier settings as well',
      { addresses: [...RIGHT.addresses, { address: parseIpv4('10.0.76.1'), prefixLength: 24 }] },
      { kind: 'update', fields: ['other addresses'] },
    ],
  ])('recognises an adapter that is %s', (_, found, change) => {
    expect(planHostAddress({ ...RIGHT, ...found }, wanted)).toEqual(change);
  });

  it('rejects an address of another adapter, and names that adapter', () => {
    expect(() =>
      planHostAddress({ ...RIGHT, addresses: [], addressElsewhere: 'Ethernet 2' }, wanted),
    ).toThrow('used by the network adapter "Ethernet 2"');
  });

  it('removes unwanted addresses, and keeps the one that Windows assigns itself', () => {
    const addresses = [
      { address: parseIpv4('169.254.7.7'), prefixLength: 16 },
      { address: parseIpv4('10.0.75.1'), prefixLength: 16 },
      { address: parseIpv4('10.0.75.1'), prefixLength: 24 },
    ];
    expect(wrongAddresses({ ...RIGHT, addresses }, wanted)).toEqual([addresses[1]]);
  });
});
