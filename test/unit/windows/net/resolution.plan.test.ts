import { expect, test } from 'vitest';
import type { Adapter } from '../../../../src/windows/net/adapters.codec.js';
import { planResolution } from '../../../../src/windows/net/resolution.plan.js';

const OWN = 'vEthernet (mobyvm)';
const NOTHING = { lists: [], domain: undefined };

function adapter(more: Partial<Adapter>): Adapter {
  return { index: 1, name: 'Ethernet', metric: 25, nameServers: [], suffix: '', ...more };
}

test('the name servers of the adapter with the lowest metric come first, each once', () => {
  const adapters = [
    adapter({ name: 'WLAN', metric: 50, nameServers: ['192.0.2.1', '192.0.2.9'] }),
    adapter({ name: 'VPN', metric: 1, nameServers: ['198.51.100.1', '192.0.2.9'] }),
    adapter({ name: 'no IP', metric: Infinity, nameServers: ['203.0.113.1'] }),
    adapter({ name: 'no IP either', metric: Infinity }),
  ];
  expect(planResolution(adapters, NOTHING, OWN).servers).toEqual([
    '198.51.100.1',
    '192.0.2.9',
    '192.0.2.1',
    '203.0.113.1',
  ]);
});

test('our own switch, and the addresses that Windows shows instead of none, are left out', () => {
  const adapters = [
    adapter({ name: OWN, metric: 1, nameServers: ['10.0.75.1'], suffix: 'mobyvm.internal' }),
    adapter({ nameServers: ['fec0:0:0:ffff::1', 'fec0:0:0:ffff::2', 'fe80::1%4'] }),
  ];
  expect(planResolution(adapters, NOTHING, OWN)).toEqual({ servers: ['fe80::1%4'], searchDomains: [] });
});

test.each([
  ['of a group policy', ['policy.example, lab.example', 'local.example'], ['policy.example', 'lab.example']],
  ['of the system', [undefined, 'local.example'], ['local.example']],
  ['that is empty', ['', undefined], ['corp.example', 'home.example']],
])('a search list %s', (_what, lists, expected) => {
  const adapters = [adapter({ suffix: 'home.example' }), adapter({ suffix: 'corp.example' })];
  expect(planResolution(adapters, { lists, domain: 'corp.example' }, OWN).searchDomains).toEqual(expected);
});
