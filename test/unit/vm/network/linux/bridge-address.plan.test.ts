import { describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../../../../src/core/values/index.js';
import { changeAddresses, planAddress } from '../../../../../src/vm/network/linux/bridge-address.plan.js';

const wanted = { address: parseIpv4('10.0.75.1'), prefixLength: 24 };

describe('changeAddresses', () => {
  test('adds a missing address', () => {
    expect(changeAddresses(undefined, wanted)).toEqual({ add: ['10.0.75.1/24'], remove: [], foreign: [] });
    expect(planAddress(undefined, wanted)).toEqual({ kind: 'create' });
  });

  test('keeps what is correct and other programs’ addresses', () => {
    const found = { present: ['10.0.75.1/24', '10.0.75.10/24'], ours: ['10.0.75.1/24'] };
    expect(changeAddresses(found, wanted)).toEqual({ add: [], remove: [], foreign: ['10.0.75.10/24'] });
    expect(planAddress(found, wanted)).toEqual({ kind: 'none' });
  });

  test('repairs a wrong prefix length', () => {
    const found = { present: ['10.0.75.1/16'], ours: [] };
    expect(planAddress(found, wanted)).toEqual({
      kind: 'update',
      fields: ['not 10.0.75.1/16', '10.0.75.1/24'],
    });
  });

  test('removes mobyvm’s own earlier address', () => {
    const found = { present: ['10.0.80.1/24'], ours: ['10.0.80.1/24'] };
    expect(changeAddresses(found, wanted)).toEqual({
      add: ['10.0.75.1/24'],
      remove: ['10.0.80.1/24'],
      foreign: [],
    });
  });
});
