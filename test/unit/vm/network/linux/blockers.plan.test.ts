import { describe, expect, test } from 'vitest';
import { blockersIn, usesForwarding } from '../../../../../src/vm/network/linux/blockers.plan.js';
import { decodeListing, type NftListing } from '../../../../../src/vm/network/linux/nft.codec.js';

const DROP = { drop: null };
const iif = (name: string) => ({ match: { op: '==', left: { meta: { key: 'iifname' } }, right: name } });

describe('blockersIn', () => {
  test.each([
    [
      'Docker’s policy',
      table('ip filter', { FORWARD: 'forward drop', 'DOCKER-USER': '' }),
      'iptables -I DOCKER-USER',
    ],
    [
      'ufw’s forward policy',
      table('ip filter', { FORWARD: 'forward drop', 'ufw-user-forward': '' }),
      'ufw route allow in on mobyvm0',
    ],
    [
      'ufw’s input policy',
      table('ip filter', { INPUT: 'input drop', 'ufw-user-input': '' }),
      'ufw allow in on mobyvm0',
    ],
    ['plain iptables', table('ip filter', { INPUT: 'input drop' }), 'iptables -I INPUT -i mobyvm0 -j ACCEPT'],
    [
      'firewalld',
      table('inet firewalld', { filter_FORWARD: 'forward accept' }, { filter_FORWARD: [[{ reject: null }]] }),
      'firewall-cmd',
    ],
    [
      'any other chain',
      table('inet mine', { f: 'forward drop' }),
      'nft insert rule inet mine f iifname mobyvm0 accept',
    ],
  ])('reports %s with a matching remedy', (_, listing, remedy) => {
    const [blocker, ...rest] = blockersIn(listing, 'mobyvm0');
    expect(rest).toEqual([]);
    expect(blocker?.remedy).toContain(remedy);
    expect(blocker?.problem).toContain(blocker?.chain);
  });

  test.each([
    ['accepts', table('ip filter', { FORWARD: 'forward accept' })],
    [
      'drops only particular packets at its end',
      table('ip f', { c: 'forward accept' }, { c: [[iif('wan0'), DROP]] }),
    ],
    [
      'drops everything in the middle of a chain that is not hooked',
      table('ip f', { c: '' }, { c: [[DROP]] }),
    ],
    ['concerns IPv6', table('ip6 filter', { FORWARD: 'forward drop' })],
    ['filters what the host sends', table('ip f', { c: 'output drop' })],
    [
      'names mobyvm’s bridge',
      table('ip f', { c: 'forward drop', u: '' }, { u: [[iif('mobyvm0'), { accept: null }]] }),
    ],
  ])('does not report a table that %s', (_, listing) => {
    expect(blockersIn(listing, 'mobyvm0')).toEqual([]);
  });

  test('does not mistake the name of another bridge for mobyvm’s', () => {
    const listing = table('ip f', { c: 'forward drop' }, { c: [[iif('mobyvm01'), { accept: null }]] });
    expect(blockersIn(listing, 'mobyvm0')).toHaveLength(1);
  });

  test('recognises a final drop with counters and logging', () => {
    const listing = table('inet f', { c: 'input accept' }, { c: [[{ counter: {} }, { log: null }, DROP]] });
    expect(blockersIn(listing, 'mobyvm0')).toHaveLength(1);
  });
});

describe('usesForwarding', () => {
  test.each([
    ['a forward policy of drop', table('ip f', { c: 'forward drop' }), true],
    ['a rule at the forward hook', table('ip f', { c: 'forward accept' }, { c: [[DROP]] }), true],
    ['a NAT rule', table('ip n', { c: 'postrouting accept nat' }, { c: [[{ masquerade: null }]] }), true],
    ['an empty forward chain', table('ip f', { c: 'forward accept' }), false],
    ['an input policy', table('ip f', { c: 'input drop' }), false],
    [
      'a mangling postrouting chain',
      table('ip m', { c: 'postrouting accept' }, { c: [[{ counter: {} }]] }),
      false,
    ],
  ])('%s: %#', (_, listing, expected) => {
    expect(usesForwarding(listing)).toBe(expected);
  });
});

/**
 * `table('ip filter', { FORWARD: 'forward drop' }, { FORWARD: [[…expressions]] })`; '' is a chain without a
 * hook.
 */
function table(
  place: string,
  chains: Readonly<Record<string, string>>,
  rules: Readonly<Record<string, readonly (readonly unknown[])[]>> = {},
): NftListing {
  const [family = '', name = ''] = place.split(' ');
  const listed = Object.entries(chains).map(([chain, text]) => {
    const [hook, policy, type = 'filter'] = text.split(' ');
    return { chain: { family, table: name, name: chain, ...(hook === '' ? {} : { hook, policy, type }) } };
  });
  const ruled = Object.entries(rules).flatMap(([chain, list]) =>
    list.map((expr) => ({ rule: { family, table: name, chain, expr } })),
  );
  return decodeListing(JSON.stringify({ nftables: [{ table: { family, name } }, ...listed, ...ruled] }));
}
