import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CodecError } from '../../../../../src/core/values/index.js';
import { decodeListing, encodeCommands } from '../../../../../src/vm/network/linux/nft.codec.js';
import {
  readSeal,
  readTag,
  restoreTable,
  rulesTable,
} from '../../../../../src/vm/network/linux/rules.plan.js';

/** Our own table as nft 1.0.6 lists it. */
const LISTED = readFileSync(join(import.meta.dirname, 'captured/nft-table.json'), 'utf8');

describe('decodeListing', () => {
  const listing = decodeListing(LISTED);

  test('decodes tables, chains with hook and policy, and rules with comments', () => {
    expect(listing.tables).toEqual([{ family: 'inet', name: 'mobyvm_mobyvm0' }]);
    expect(listing.chains).toContainEqual({
      family: 'inet',
      table: 'mobyvm_mobyvm0',
      name: 'forward',
      hook: 'forward',
      type: 'filter',
      policy: 'accept',
    });
    expect(listing.rules.map(({ comment }) => comment)).toContain('only root connects to the engine');
    expect(readTag(listing)).toBe('mobyvm:3f6d0f0e-5a59-4c3e-9d0c-0123456789ab');
    expect(readSeal(listing)).toEqual({ wanted: '0123456789abcdef', listed: 'fedcba9876543210' });
  });

  test('keeps unknown expressions and drops handles', () => {
    const text =
      '{"nftables":[{"metainfo":{"version":"9"}},{"flowtable":{"name":"f","handle":3,"odd":[1]}},{"rule":{"family":"ip","table":"t","chain":"c","handle":9,"expr":[{"xt":null}],"new":true}}]}';
    const { objects, rules } = decodeListing(text);
    expect(objects).toEqual([
      { flowtable: { name: 'f', odd: [1] } },
      { rule: { family: 'ip', table: 't', chain: 'c', expr: [{ xt: null }], new: true } },
    ]);
    expect(rules[0]?.expressions).toEqual([{ xt: null }]);
  });

  test('survives a restore unchanged', () => {
    const commands = restoreTable(rulesTable('mobyvm0'), listing);
    const text = encodeCommands(commands);
    const { nftables } = z
      .object({ nftables: z.array(z.record(z.string(), z.unknown())) })
      .parse(JSON.parse(text));
    const added = nftables.slice(2).map((command) => command['add']);
    expect(decodeListing(JSON.stringify({ nftables: added }))).toEqual(listing);
  });

  test('is rejected when truncated anywhere', () => {
    const text = LISTED.trim();
    for (let length = 0; length < text.length; length += 1) {
      expect(() => decodeListing(text.slice(0, length))).toThrow(CodecError);
    }
  });

  test.each([
    ['a chain without a name', { chain: { family: 'ip', table: 't' } }],
    ['a rule without expressions', { rule: { family: 'ip', table: 't', chain: 'c' } }],
    ['a table that is a string', { table: 'filter' }],
  ])('rejects %s', (_, object) => {
    expect(() => decodeListing(JSON.stringify({ nftables: [object] }))).toThrow(CodecError);
  });

  test('any text decodes to a value or throws a CodecError', () => {
    const objects = fc.array(
      fc.dictionary(fc.constantFrom('table', 'chain', 'rule', 'set'), fc.jsonValue(), { maxKeys: 2 }),
    );
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      objects.map((nftables) => JSON.stringify({ nftables })),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          decodeListing(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });
});
