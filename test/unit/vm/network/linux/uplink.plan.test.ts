import { expect, it } from 'vitest';
import { parseSubnet } from '../../../../../src/core/values/index.js';
import type { HostRoute } from '../../../../../src/vm/network/linux/ip.codec.js';
import { lowestUplinkMtu } from '../../../../../src/vm/network/linux/uplink.plan.js';

const link = (name: string, mtuBytes: number, isPointToPoint = false) => ({ name, mtuBytes, isPointToPoint });
const route = (destination: string, device: string, type = 'unicast'): HostRoute => ({
  destination: parseSubnet(destination),
  type,
  devices: [device],
});

it.each([
  ['the default route', [route('0.0.0.0/0', 'eth0')], 1492],
  ['the lowest of two default routes', [route('0.0.0.0/0', 'eth0'), route('0.0.0.0/0', 'wlan0')], 1400],
  ['a VPN that halves the default route', [route('0.0.0.0/0', 'eth0'), route('128.0.0.0/1', 'wg0')], 1280],
  ['a tunnel to one network', [route('0.0.0.0/0', 'eth0'), route('10.8.0.0/16', 'wg0')], 1280],
  [
    'no way to other networks',
    [route('10.0.75.0/24', 'small0'), route('127.0.0.0/8', 'lo', 'local')],
    undefined,
  ],
  ['a small bridge of the host', [route('0.0.0.0/0', 'eth0'), route('10.0.75.0/24', 'small0')], 1492],
  ['an unreachable default', [route('0.0.0.0/0', 'wg0', 'unreachable')], undefined],
] as const)('with %s the uplinks carry as much as the lowest of them', (_, routes, expected) => {
  const links = [
    link('lo', 65_536),
    link('eth0', 1492),
    link('wlan0', 1400),
    link('small0', 600),
    link('wg0', 1280, true),
  ];
  expect(lowestUplinkMtu(links, routes)).toBe(expected);
});
