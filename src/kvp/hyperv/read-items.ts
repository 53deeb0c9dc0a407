import { CodecError } from '../../core/values/index.js';
import { decodeCimItem } from '../wire/cim-xml.codec.js';
import type { KvpPool } from '../exchange.js';
import { limitError } from '../kvp-errors.js';
import { MAX_LISTED_ITEMS } from '../wire/limits.js';

export interface ReadItems {
  readonly found: readonly { readonly name: string; readonly value: string }[];
  /** Texts that are not items. */
  readonly unreadable: number;
}

/** @throws MobyvmError MOBYVM_KVP_LIMIT without reading any when there are too many */
export function readItems(texts: readonly string[], pool: KvpPool): ReadItems {
  if (texts.length > MAX_LISTED_ITEMS) {
    throw limitError(
      `The ${pool} pool has ${texts.length} items; more than ${MAX_LISTED_ITEMS} are not read.`,
      'Find out in the guest what writes them (/var/lib/hyperv), or run `mobyvm restart`.',
    );
  }
  const found = texts.flatMap((text) => {
    const item = readItem(text);
    return item === undefined ? [] : [item];
  });
  return { found, unreadable: texts.length - found.length };
}

function readItem(text: string): { readonly name: string; readonly value: string } | undefined {
  try {
    const { name, data } = decodeCimItem(text);
    return { name, value: data };
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
