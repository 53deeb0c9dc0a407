import { describe, expect, test } from 'vitest';
import { changeInIpLine, changeInNftLine } from '../../../../src/vm/network/linux/change-line.plan.js';

const isOurs = (name: string): boolean => ['mobyvm0', 'mobyvm0-t0', 'mobyvm_mobyvm0'].includes(name);

/** As iproute2 6.1 and nftables 1.0.6 print them. */
describe('a line of ip monitor', () => {
  test.each([
    '2: mobyvm0: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default \\    link/ether 76:55:f4:bd:68:57 brd ff:ff:ff:ff:ff:ff',
    '4: mobyvm0-t0: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default \\    link/ether 0a:8f:e2:2d:6f:ac brd ff:ff:ff:ff:ff:ff',
    'Deleted 2: mobyvm0    inet 10.0.75.1/24 scope global mobyvm0\\       valid_lft forever preferred_lft forever',
    'Deleted 10.0.75.0/24 dev mobyvm0 proto kernel scope link src 10.0.75.1 ',
    'inet all forwarding off ',
  ])('is about what mobyvm made: %s', (line) => {
    expect(changeInIpLine(line, isOurs)).toBe('ours');
  });

  test.each([
    '4: eth0    inet 10.0.75.7/24 scope global eth0\\       valid_lft forever preferred_lft forever',
    '10.0.0.0/8 via 10.9.8.3 dev tun0 ',
    'Deleted default via 192.0.2.1 dev eth0 ',
  ])('is about what may be in its way: %s', (line) => {
    expect(changeInIpLine(line, isOurs)).toBe('others');
  });

  test.each([
    '7: veth1@if6: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default \\    link/ether 1e:88:0b:36:a3:9d brd ff:ff:ff:ff:ff:ff',
    'inet veth1 forwarding on rp_filter off mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off ',
    'Deleted inet veth1 ',
    'inet mobyvm0 forwarding on ',
    '',
  ])('changes nothing that matters: %s', (line) => {
    expect(changeInIpLine(line, isOurs)).toBeUndefined();
  });
});

describe('a line of nft monitor', () => {
  test.each([
    ['delete table inet mobyvm_mobyvm0', 'ours'],
    ['delete rule inet mobyvm_mobyvm0 input handle 2', 'ours'],
    ['add chain ip other blocking { type filter hook forward priority filter; policy drop; }', 'others'],
    ['add element inet f2b addr-set { 192.0.2.4 }', undefined],
    ['# new generation 4 by process 17230 (nft)', undefined],
    ['', undefined],
  ])('%s: %s', (line, change) => {
    expect(changeInNftLine(line, isOurs)).toBe(change);
  });
});
