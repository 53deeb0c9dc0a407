import { expect, test } from 'vitest';
import { parseIpv4, parseSubnet } from '../../../src/core/values/index.js';
import { OverlapWatch } from '../../../src/daemon/machine/overlap-watch.js';
import type { HostNetworks } from '../../../src/vm/index.js';

const SUBNET = parseSubnet('10.0.75.0/24');
const QUIET: HostNetworks = { addresses: [], routes: [] };
const VPN: HostNetworks = {
  addresses: [{ device: 'tun0', address: parseIpv4('10.0.75.9'), prefixLength: 16 }],
  routes: [],
};

test('a network that overlaps is told of once, and again when it comes back', () => {
  const watch = new OverlapWatch();
  const looks = [QUIET, VPN, VPN, QUIET, VPN].map((host) => watch.look(SUBNET, 'mobyvm0', host)?.by);
  const tun0 = 'address 10.0.75.9/16 of tun0';
  expect(looks).toEqual([undefined, tun0, undefined, undefined, tun0]);
});

test('what is on our own bridge is no overlap', () => {
  expect(new OverlapWatch().look(SUBNET, 'tun0', VPN)).toBeUndefined();
});
