import { describe, expect, test } from 'vitest';
import { parseMac } from '../../../../../src/core/values/index.js';
import { planBridge } from '../../../../../src/vm/network/linux/bridge.plan.js';
import type { HostLink } from '../../../../../src/vm/network/linux/ip.codec.js';
import type { LinkFound } from '../../../../../src/vm/network/linux/link.plan.js';
import { planTap } from '../../../../../src/vm/network/linux/tap.plan.js';

const TAG = 'mobyvm:1234';
const mac = parseMac('02:00:00:00:00:01');
const bridge: HostLink = {
  name: 'b0',
  altNames: [],
  kind: 'bridge',
  isTap: false,
  alias: TAG,
  mac,
  up: true,
  master: undefined,
  stp: false,
  forwardDelay: 0,
};
const tap: HostLink = { ...bridge, name: 'b0-t0', kind: 'tun', isTap: true, master: 'b0' };

describe('planBridge', () => {
  const found: LinkFound = { link: bridge, ipv6Off: true, ownership: 'ours' };
  const plan = (change: Partial<LinkFound>, link: Partial<HostLink> = {}) =>
    planBridge('b0', TAG, { ...found, ...change, link: { ...bridge, ...link } }, { mac });

  test('creates a missing device and keeps a correct one', () => {
    expect(planBridge('b0', TAG, undefined, { mac })).toEqual({ kind: 'create' });
    expect(plan({})).toEqual({ kind: 'none' });
  });

  test('lists every wrong property in the order of repair', () => {
    const wrong = { alias: undefined, mac: undefined, stp: true, forwardDelay: 200, up: false };
    expect(plan({ ipv6Off: false }, wrong)).toEqual({
      kind: 'update',
      fields: ['tag', 'mac', 'spanning-tree', 'forward-delay', 'ipv6', 'up'],
    });
  });

  test.each([
    ['foreign', { ownership: 'foreign' as const }, {}],
    ['not a bridge', {}, { kind: 'veth' }],
    ['known by another name', {}, { name: 'other' }],
  ])('rejects what is %s', (_, change, link) => {
    expect(() => plan(change, link)).toThrow(expect.objectContaining({ code: 'MOBYVM_FOREIGN_OBJECT' }));
  });
});

describe('planTap', () => {
  const found: LinkFound = { link: tap, ipv6Off: true, ownership: 'ours' };
  const plan = (change: Partial<LinkFound>, link: Partial<HostLink> = {}) =>
    planTap('b0-t0', TAG, { ...found, ...change, link: { ...tap, ...link } }, { bridge: 'b0' });

  test('creates a missing device and keeps a correct one', () => {
    expect(planTap('b0-t0', TAG, undefined, { bridge: 'b0' })).toEqual({ kind: 'create' });
    expect(plan({})).toEqual({ kind: 'none' });
  });

  test('lists every wrong property in the order of repair', () => {
    expect(plan({ ipv6Off: false }, { alias: '', master: 'br9', up: false })).toEqual({
      kind: 'update',
      fields: ['tag', 'ipv6', 'bridge', 'up'],
    });
  });

  test.each([
    ['foreign', { ownership: 'foreign' as const }, {}],
    ['not a tap device', {}, { isTap: false }],
  ])('rejects what is %s', (_, change, link) => {
    expect(() => plan(change, link)).toThrow(expect.objectContaining({ code: 'MOBYVM_FOREIGN_OBJECT' }));
  });
});
