import { describe, expect, it } from 'vitest';
import { foreignObject, ownershipOf, tagOf } from '../../../../src/vm/network/ownership.plan.js';

const us = { tag: tagOf('1234'), scope: 'boot-7 net:[1]' };

describe('ownershipOf', () => {
  it.each([
    ['its tag', { tag: 'mobyvm:1234', ledgerScope: undefined }, 'ours'],
    ['its tag and an old ledger entry', { tag: 'mobyvm:1234', ledgerScope: 'boot-6 net:[1]' }, 'ours'],
    ['no tag, but an entry of this boot', { tag: undefined, ledgerScope: 'boot-7 net:[1]' }, 'ours'],
    ['no tag and an entry of an earlier boot', { tag: undefined, ledgerScope: 'boot-6 net:[1]' }, 'foreign'],
    [
      'no tag and an entry of another namespace',
      { tag: undefined, ledgerScope: 'boot-7 net:[2]' },
      'foreign',
    ],
    ['no tag and no entry', { tag: undefined, ledgerScope: undefined }, 'foreign'],
    ['another tag', { tag: 'mobyvm:99', ledgerScope: undefined }, 'foreign'],
    ['another tag, in spite of an entry', { tag: 'uplink', ledgerScope: 'boot-7 net:[1]' }, 'foreign'],
  ])('decides about an object with %s', (_, evidence, expected) => {
    expect(ownershipOf(evidence, us)).toBe(expected);
  });
});

describe('foreignObject', () => {
  it('names the object, its tag, the setting and how to remove it', () => {
    const error = foreignObject('bridge "br0"', { tag: 'mobyvm:99', removal: 'ip link delete br0' });
    expect(error.code).toBe('MOBYVM_FOREIGN_OBJECT');
    expect(error.message).toContain('bridge "br0"');
    expect(error.message).toContain('"mobyvm:99"');
    expect(error.remedy).toMatch(/network\.bridge.*ip link delete br0/);
    const other = foreignObject('network device "eth0"', { tag: undefined, removal: undefined });
    expect(other.remedy).toBe('Set network.bridge in the settings to another name.');
  });
});
