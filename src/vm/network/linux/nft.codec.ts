/**
 * Parses the output of `nft -j list …` and encodes the input of `nft -j -f` (libnftables-json(5)).
 * Expressions are kept unchanged: other programs' rules use many that we do not know.
 */
import { z } from 'zod';
import { CodecError } from '../../../core/values/index.js';

export interface NftTableName {
  readonly family: 'inet' | 'ip';
  readonly name: string;
}

export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Absent for a chain that is only jumped to. */
  readonly hook: string | undefined;
  readonly type: string | undefined;
  readonly policy: string | undefined;
}

export interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly comment: string | undefined;
  readonly expressions: readonly unknown[];
}

export interface NftListing {
  readonly tables: readonly { readonly family: string; readonly name: string }[];
  readonly chains: readonly NftChain[];
  readonly rules: readonly NftRule[];
  /** Every listed object, without handles (they change with each load) and without the metainfo object. */
  readonly objects: readonly NftObject[];
}

/** One listed object, for example `{ rule: { family, table, chain, expr } }`. */
export type NftObject = Readonly<Record<string, unknown>>;

/** One command, for example `{ add: { table: { … } } }`. */
export type NftCommand = Readonly<Record<string, NftObject>>;

const TABLE_REF = { family: z.string(), table: z.string() };
const TABLE = z.object({ family: z.string(), name: z.string() });
const CHAIN = z.object({
  ...TABLE_REF,
  name: z.string(),
  hook: z.string().optional(),
  type: z.string().optional(),
  policy: z.string().optional(),
});
const RULE = z.object({
  ...TABLE_REF,
  chain: z.string(),
  comment: z.string().optional(),
  expr: z.array(z.unknown()),
});
const LISTING = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });

/** @throws CodecError */
export function decodeListing(text: string): NftListing {
  const objects = check(LISTING, json(text), 'nftables')
    .nftables.filter((object) => !('metainfo' in object))
    .map(withoutHandles);
  const each = <Schema extends z.ZodType>(schema: Schema, key: string): z.infer<Schema>[] =>
    objects.filter((object) => key in object).map((object) => check(schema, object[key], key));
  return {
    tables: each(TABLE, 'table'),
    chains: each(CHAIN, 'chain').map(({ hook, type, policy, ...chain }) => ({
      ...chain,
      hook,
      type,
      policy,
    })),
    rules: each(RULE, 'rule').map(({ expr, comment, ...rule }) => ({ ...rule, comment, expressions: expr })),
    objects,
  };
}

/** One transaction: nft applies all commands or none. */
export function encodeCommands(commands: readonly NftCommand[]): string {
  return JSON.stringify({ nftables: commands });
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, field: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new CodecError(field, 0, z.prettifyError(parsed.error));
  return parsed.data;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CodecError('nftables', 0, 'is not JSON');
  }
}

function withoutHandles(object: NftObject): NftObject {
  return Object.fromEntries(
    Object.entries(object).map(([kind, body]) => {
      if (typeof body !== 'object' || body === null || Array.isArray(body)) return [kind, body];
      return [kind, Object.fromEntries(Object.entries(body).filter(([member]) => member !== 'handle'))];
    }),
  );
}
