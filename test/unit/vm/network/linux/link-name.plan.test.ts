import { describe, expect, it } from 'vitest';
import {
  checkBridgeName,
  tableNameOf,
  bridgeOfTap,
  tapNameOf,
} from '../../../../../src/vm/network/linux/link-name.plan.js';

describe('names', () => {
  it.each(['mobyvm0', 'b', 'a-b_c.d', 'abcdefghijklmno'])('"%s" can be a bridge', (name) => {
    expect(checkBridgeName(name)).toBe(name);
    expect(tapNameOf(name).length).toBeLessThanOrEqual(15);
    expect(tableNameOf(name)).toMatch(/^mobyvm_[A-Za-z0-9_]+$/);
  });

  it.each(['', 'abcdefghijklmnop', '-rf', '0bridge', 'a b', 'a/b', 'a"b', 'bé', '..'])(
    '"%s" cannot',
    (name) => {
      expect(() => checkBridgeName(name)).toThrow(expect.objectContaining({ code: 'MOBYVM_SETTINGS' }));
    },
  );

  it('of the tap and the table come from the bridge', () => {
    expect(tapNameOf('mobyvm0')).toBe('mobyvm0-t0');
    expect(tapNameOf('abcdefghijklmno')).toBe('abcdefghijkl-t0');
    expect(tableNameOf('my-bridge.1')).toBe('mobyvm_my_bridge_1');
  });
});

describe('the bridge of a tap device', () => {
  it.each(['mobyvm0', 'a', 'a-bridge-1'])('that was named for %s is found again', (bridge) => {
    expect(bridgeOfTap(tapNameOf(bridge))).toBe(bridge);
  });

  it.each(['eth0', '-t0', tapNameOf('a-bridge-that-is-cut')])('%s is not known', (name) => {
    expect(bridgeOfTap(name)).toBeUndefined();
  });
});
