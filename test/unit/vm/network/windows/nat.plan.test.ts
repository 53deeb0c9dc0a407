import { describe, expect, it } from 'vitest';
import { parseSubnet } from '../../../../../src/core/values/index.js';
import { planNat, type NatFound, type NatWanted } from '../../../../../src/vm/network/windows/nat.plan.js';

const subnet = parseSubnet('10.0.75.0/24');
const ours = (prefix?: string): NatFound => ({ name: 'mobyvm', prefix, isOurs: true });
const other = (prefix?: string): NatFound => ({ name: 'lab', prefix, isOurs: false });

describe('the plan for the NAT network', () => {
  it.each<[string, readonly NatFound[], NatWanted, string]>([
    ['one is created if there is none', [], subnet, 'create'],
    ['mobyvm’s own is kept', [ours('10.0.75.0/24')], subnet, 'none'],
    ['mobyvm’s own with another prefix is recreated', [ours('10.0.76.0/24')], subnet, 'replace'],
    ['mobyvm’s own without a prefix is recreated', [ours()], subnet, 'replace'],
    ['a foreign one that contains the subnet is used', [other('10.0.0.0/16')], subnet, 'none'],
    [
      'a foreign one for exactly the subnet is used, and stays foreign',
      [other('10.0.75.0/24')],
      subnet,
      'none',
    ],
    [
      'a second one is tried beside a foreign one, since Windows 11 accepts several',
      [other('192.168.100.0/24')],
      subnet,
      'create',
    ],
    ['a second one is tried beside one of an unknown kind', [other(), other('fd00::/64')], subnet, 'create'],
    ['none is created if none is wanted', [], 'none', 'none'],
    ['a foreign one is kept if none is wanted', [other('192.168.0.0/24')], 'none', 'none'],
    ['mobyvm’s own is removed if none is wanted any more', [ours('10.0.75.0/24')], 'none', 'replace'],
  ])('%s', (_, found, wanted, kind) => {
    expect(planNat(found, wanted).kind).toBe(kind);
  });

  it('rejects one that overlaps the subnet without containing it, with three remedies', () => {
    expect(() => planNat([other('192.168.0.0/24'), other('10.0.75.128/25')], subnet)).toThrow(
      expect.objectContaining({
        code: 'MOBYVM_NAT',
        message: expect.stringContaining('"lab" for 10.0.75.128/25') as string,
        remedy: expect.stringMatching(/network\.subnet.*network\.nat.*Remove-NetNat -Name 'lab'/) as string,
      }),
    );
  });
});
