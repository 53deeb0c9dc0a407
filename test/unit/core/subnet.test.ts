import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  broadcast,
  formatSubnet,
  hostAt,
  ipv4FromNumber,
  ipv4ToNumber,
  isLocalSubnet,
  netmask,
  parseIpv4,
  parseSubnet,
  subnetAround,
  subnetContains,
  subnetsOverlap,
} from '../../../src/core/values/index.js';

const subnets = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 32 }))
  .map(([address, prefix]) => subnetAround(ipv4FromNumber(address), prefix));

describe('Subnet', () => {
  test.each(['10.0.75.0/24', '0.0.0.0/0', '192.168.1.7/32', '172.16.0.0/12'])('"%s" is a subnet', (text) => {
    expect(formatSubnet(parseSubnet(text))).toBe(text);
  });

  test.each([
    '',
    '10.0.75.0',
    '10.0.75.0/',
    '10.0.75.0/33',
    '10.0.75.0/-1',
    '10.0.75.0/24/1',
    '10.0.75/24',
    '10.0.75.0/2 4',
    '/24',
  ])('"%s" is rejected', (text) => {
    expect(() => parseSubnet(text)).toThrow(
      expect.objectContaining({
        code: 'MOBYVM_SETTINGS',
        remedy: expect.stringContaining('10.0.75.0/24') as string,
      }),
    );
  });

  test('with host bits set is rejected, and the remedy names the right network', () => {
    expect(() => parseSubnet('10.0.75.9/24')).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('10.0.75.0/24') as string }),
    );
  });

  test.each([
    ['10.0.75.0/24', '255.255.255.0', '10.0.75.255', '10.0.75.1'],
    ['10.0.0.0/8', '255.0.0.0', '10.255.255.255', '10.0.0.1'],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255', '0.0.0.1'],
    ['192.168.1.4/30', '255.255.255.252', '192.168.1.7', '192.168.1.5'],
    ['192.168.1.7/32', '255.255.255.255', '192.168.1.7', '192.168.1.8'],
  ])('%s has the right mask, broadcast and first address', (text, mask, last, first) => {
    const subnet = parseSubnet(text);
    expect([netmask(subnet), broadcast(subnet), hostAt(subnet, 1)]).toEqual([mask, last, first]);
  });

  test('contains exactly the addresses from the network to the broadcast', () => {
    fc.assert(
      fc.property(subnets, fc.integer({ min: 0, max: 0xffffffff }), (subnet, value) => {
        const inside = value >= ipv4ToNumber(subnet.network) && value <= ipv4ToNumber(broadcast(subnet));
        expect(subnetContains(subnet, ipv4FromNumber(value))).toBe(inside);
      }),
    );
  });

  test('overlaps another exactly when one contains the other’s network, either way round', () => {
    fc.assert(
      fc.property(subnets, subnets, (a, b) => {
        const overlap = subnetContains(a, b.network) || subnetContains(b, a.network);
        expect(subnetsOverlap(a, b)).toBe(overlap);
        expect(subnetsOverlap(b, a)).toBe(overlap);
        expect(subnetsOverlap(a, a)).toBe(true);
      }),
    );
  });

  test('survives formatting and parsing', () => {
    fc.assert(
      fc.property(subnets, (subnet) => {
        expect(parseSubnet(formatSubnet(subnet))).toEqual(subnet);
      }),
    );
  });

  test('around an address contains that address', () => {
    expect(subnetAround(parseIpv4('10.0.75.77'), 24)).toEqual(parseSubnet('10.0.75.0/24'));
  });
});

describe('local use', () => {
  test.each([
    ['10.0.75.0/24', true],
    ['172.31.255.0/24', true],
    ['172.32.0.0/24', false],
    ['192.168.0.0/24', true],
    ['100.127.0.0/24', true],
    ['100.128.0.0/24', false],
    ['198.19.255.0/24', true],
    ['10.0.0.0/7', false],
    ['8.8.8.0/24', false],
    ['127.0.0.0/24', false],
    ['169.254.7.0/24', false],
    ['224.0.0.0/24', false],
    ['240.0.0.0/24', false],
    ['0.0.0.0/24', false],
  ])('of %s is allowed: %s', (text, isLocal) => {
    const [network = '', prefix = ''] = text.split('/');
    expect(isLocalSubnet(subnetAround(parseIpv4(network), Number(prefix)))).toBe(isLocal);
  });
});
