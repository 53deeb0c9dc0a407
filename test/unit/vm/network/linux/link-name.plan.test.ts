import { describe, expect, test } from 'vitest';
import {
  checkBridgeName,
  tableNameOf,
  bridgeOfTap,
  tapNameOf,
} from '../../../../../src/vm/network/linux/link-name.plan.js';

describe('names', () => {
  test.each(['mobyvm0', 'b', 'a-b_c.d', 'abcdefghijklmno'])('"%s" can be a bridge', (name) => {
    expect(checkBridgeName(name)).toBe(name);
    expect(tapNameOf(name).length).toBeLessThanOrEqual(15);
    expect(tableNameOf(name)).toMatch(/^mobyvm_[A-Za-z0-9_]+$/);
  });

  test.each(['', 'abcdefghijklmnop', '-rf', '0bridge', 'a b', 'a/b', 'a"b', 'bé', '..'])(
    '"%s" cannot',
    (name) => {
      expect(() => checkBridgeName(name)).toThrow(expect.objectContaining({ code: 'MOBYVM_SETTINGS' }));
    },
  );

  test('of the tap and the table derive from the bridge', () => {
    expect(tapNameOf('mobyvm0')).toBe('mobyvm0-t0');
    expect(tapNameOf('abcdefghijklmno')).toBe('abcdefghijkl-t0');
    expect(tableNameOf('my-bridge.1')).toBe('mobyvm_my_bridge_1');
  });
});

describe('the bridge of a tap device', () => {
  test.each(['mobyvm0', 'a', 'a-bridge-1'])('that belongs to %s is found', (bridge) => {
    expect(bridgeOfTap(tapNameOf(bridge))).toBe(bridge);
  });

  test.each(['eth0', '-t0', tapNameOf('a-bridge-that-is-cut')])('%s is not known', (name) => {
    expect(bridgeOfTap(name)).toBeUndefined();
  });
});
