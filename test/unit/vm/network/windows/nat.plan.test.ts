import { describe, expect, it } from 'vitest';
import { parseSubnet } from '../../../../../src/core/values/index.js';
import { planNat, type NatFound, type NatWanted } from '../../../../../src/vm/network/windows/nat.plan.js';

const subnet = parseSubnet('10.0.75.0/24');
const ours = (prefix?: string): NatFound => ({ name: 'mobyvm', prefix, isOurs: true });
const other = (prefix?: string): NatFound => ({ name: 'lab', prefix, isOurs: false });

describe('the plan for the NAT network', () => {
  it.each<[string, readonly NatFound[], NatWanted, string]>([
    ['one is created when there is none', [], subnet, 'create'],
    ['ours stays', [ours('10.0.75.0/24')], subnet, 'none'],
    ['ours with another prefix is recreated', [ours('10.0.76.0/24')], subnet, 'replace'],
    ['ours without a prefix is recreated', [ours()], subnet, 'replace'],
    ['one that contains our subnet serves us as well', [other('10.0.0.0/16')], subnet, 'none'],
    ['one of exactly our subnet too, and it stays its maker’s', [other('10.0.75.0/24')], subnet, 'none'],
    [
      'beside a foreign one a second is tried, as Windows 11 accepts several',
      [other('192.168.100.0/24')],
      subnet,
      'create',
    ],
    ['beside one of an unknown kind as well', [other(), other('fd00::/64')], subnet, 'create'],
    ['none is created when none is wanted', [], 'none', 'none'],
    ['a foreign one is left alone when none is wanted', [other('192.168.0.0/24')], 'none', 'none'],
    ['ours is removed when none is wanted any more', [ours('10.0.75.0/24')], 'none', 'replace'],
  ])('%s', (_, found, wanted, kind) => {
    expect(planNat(found, wanted).kind).toBe(kind);
  });

  it('refuses one that overlaps ours and does not contain it, with three ways out', () => {
    expect(() => planNat([other('192.168.0.0/24'), other('10.0.75.128/25')], subnet)).toThrow(
      expect.objectContaining({
        code: 'MOBYVM_NAT',
        message: expect.stringContaining('"lab" for 10.0.75.128/25') as string,
        remedy: expect.stringMatching(/network\.subnet.*network\.nat.*Remove-NetNat -Name 'lab'/) as string,
      }),
    );
  });
});
