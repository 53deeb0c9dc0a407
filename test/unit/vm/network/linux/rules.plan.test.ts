import { describe, expect, test } from 'vitest';
import { parseIpv4, parseSubnet } from '../../../../../src/core/values/index.js';
import { decodeListing } from '../../../../../src/vm/network/linux/nft.codec.js';
import {
  dropTable,
  readSeal,
  readTag,
  replaceTable,
  rulesTable,
  sealedText,
  sealTable,
  type RulesWanted,
} from '../../../../../src/vm/network/linux/rules.plan.js';

const wanted: RulesWanted = {
  bridge: 'mobyvm0',
  subnet: parseSubnet('10.0.75.0/24'),
  hostAddress: parseIpv4('10.0.75.1'),
  hostServices: [],
};
const table = rulesTable('mobyvm0');
const text = (options: Partial<RulesWanted> = {}): string =>
  JSON.stringify(replaceTable({ ...wanted, ...options }, 'mobyvm:1'));

describe('replaceTable', () => {
  test('deletes and creates the table in one list of commands', () => {
    expect(replaceTable(wanted, 'mobyvm:1').slice(0, 3)).toEqual([
      ...dropTable(table),
      { add: { table: { family: 'inet', name: 'mobyvm_mobyvm0' } } },
    ]);
  });

  test('touches no other table', () => {
    for (const command of replaceTable(wanted, 'mobyvm:1')) {
      const [body] = Object.values(Object.values(command)[0] ?? {}) as { table?: string; name?: string }[];
      expect(body?.table ?? body?.name).toBe('mobyvm_mobyvm0');
    }
  });

  test('depends on every parameter and on nothing else', () => {
    expect(text()).toBe(text());
    const others: readonly Partial<RulesWanted>[] = [
      { bridge: 'mobyvm1' },
      { subnet: parseSubnet('10.0.76.0/24') },
      { hostAddress: parseIpv4('10.0.75.9') },
      { hostServices: [{ protocol: 'udp', port: 445 }] },
      { hostServices: 'all' },
    ];
    expect(new Set([text(), ...others.map(text)]).size).toBe(others.length + 1);
  });

  test('rejects all other traffic from the guest to the host, unless that is left to the host’s firewall', () => {
    expect(text()).toContain('"reject":{"type":"icmpx"');
    expect(text({ hostServices: 'all' })).not.toContain('icmpx');
  });
});

describe('the seal', () => {
  const listing = (more: readonly object[] = []) =>
    decodeListing(
      JSON.stringify({
        nftables: [
          ...replaceTable(wanted, 'mobyvm:1')
            .slice(2)
            .map((command) => command['add']),
          ...more,
        ],
      }),
    );
  const seal = { wanted: 'aa', listed: 'bb' };

  test('is read back and does not change the text that it seals', () => {
    const before = listing();
    const after = listing([sealTable(table, seal)['add'] ?? {}]);
    expect(readSeal(before)).toBeUndefined();
    expect(readSeal(after)).toEqual(seal);
    expect(sealedText(after)).toBe(sealedText(before));
    expect(readTag(after)).toBe('mobyvm:1');
  });

  test('does not hide a rule that was added to another chain', () => {
    const rule = { family: 'inet', table: table.name, chain: 'input', expr: [{ accept: null }] };
    expect(sealedText(listing([{ rule }]))).not.toBe(sealedText(listing()));
  });

  test('is not read from a comment in another chain', () => {
    const comment = 'sealed wanted:aa listed:bb';
    const rule = { family: 'inet', table: table.name, chain: 'input', comment, expr: [] };
    expect(readSeal(listing([{ rule }]))).toBeUndefined();
  });
});
