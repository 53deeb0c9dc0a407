import { describe, expect, it } from 'vitest';
import { parseMac } from '../../../../../src/core/values/index.js';
import { planBridge, type BridgeFound } from '../../../../../src/vm/network/linux/bridge.plan.js';
import type { HostLink } from '../../../../../src/vm/network/linux/ip.codec.js';
import { planTap, type TapFound } from '../../../../../src/vm/network/linux/tap.plan.js';

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
  const found: BridgeFound = { link: bridge, ipv6Off: true, ownership: 'ours' };
  const plan = (change: Partial<BridgeFound>, link: Partial<HostLink> = {}) =>
    planBridge('b0', TAG, { ...found, ...change, link: { ...bridge, ...link } }, { mac });

  it('makes what is absent and leaves what is right', () => {
    expect(planBridge('b0', TAG, undefined, { mac })).toEqual({ kind: 'create' });
    expect(plan({})).toEqual({ kind: 'none' });
  });

  it('names every wrong property in the order in which they are mended', () => {
    const wrong = { alias: undefined, mac: undefined, stp: true, forwardDelay: 200, up: false };
    expect(plan({ ipv6Off: false }, wrong)).toEqual({
      kind: 'update',
      fields: ['tag', 'mac', 'spanning-tree', 'forward-delay', 'ipv6', 'up'],
    });
  });

  it.each([
    ['foreign', { ownership: 'foreign' as const }, {}],
    ['no bridge', {}, { kind: 'veth' }],
    ['known by another name', {}, { name: 'other' }],
  ])('refuses what is %s', (_, change, link) => {
    expect(() => plan(change, link)).toThrow(expect.objectContaining({ code: 'MOBYVM_FOREIGN_OBJECT' }));
  });
});

describe('planTap', () => {
  const found: TapFound = { link: tap, ipv6Off: true, ownership: 'ours' };
  const plan = (change: Partial<TapFound>, link: Partial<HostLink> = {}) =>
    planTap('b0-t0', TAG, { ...found, ...change, link: { ...tap, ...link } }, { bridge: 'b0' });

  it('makes what is absent and leaves what is right', () => {
    expect(planTap('b0-t0', TAG, undefined, { bridge: 'b0' })).toEqual({ kind: 'create' });
    expect(plan({})).toEqual({ kind: 'none' });
  });

  it('names every wrong property in the order in which they are mended', () => {
    expect(plan({ ipv6Off: false }, { alias: '', master: 'br9', up: false })).toEqual({
      kind: 'update',
      fields: ['tag', 'ipv6', 'bridge', 'up'],
    });
  });

  it.each([
    ['foreign', { ownership: 'foreign' as const }, {}],
    ['no tap', {}, { isTap: false }],
  ])('refuses what is %s', (_, change, link) => {
    expect(() => plan(change, link)).toThrow(expect.objectContaining({ code: 'MOBYVM_FOREIGN_OBJECT' }));
  });
});
