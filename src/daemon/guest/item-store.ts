import { rename } from 'node:fs/promises';
import { z } from 'zod';
import { readFileIfPresent, writeFileAtomically } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import type { KvpItemStore, KvpSetting } from '../../kvp/index.js';

const schema = z.strictObject({
  version: z.literal(1),
  items: z.array(z.strictObject({ name: z.string(), value: z.string(), secret: z.boolean() })),
});

/** Keeps the host's items in a file for root alone, as Hyper-V keeps them with the virtual machine. */
export function fileItemStore(path: string): KvpItemStore {
  return {
    async load() {
      const text = await readFileIfPresent(path);
      return text === undefined ? [] : parseItems(text, path);
    },
    async save(items) {
      const stored = items.map(({ name, value, secret = false }) => ({ name, value, secret }));
      await writeFileAtomically(path, `${JSON.stringify({ version: 1, items: stored }, null, 2)}\n`, 0o600);
    },
  };
}

/**
 * Items that cannot be read must not keep the machine from starting: their file is put aside, for whoever wants to mend it.
 * @returns what to tell the user, if there was anything to put aside
 */
export async function setAsideIfDamaged(path: string): Promise<string | undefined> {
  const text = await readFileIfPresent(path);
  if (text === undefined) return undefined;
  try {
    parseItems(text, path);
    return undefined;
  } catch {
    const aside = `${path}.damaged`;
    await rename(path, aside);
    return `the items of \`mobyvm kvp set\` could not be read and are left out: ${aside}`;
  }
}

function parseItems(text: string, path: string): readonly KvpSetting[] {
  try {
    return schema.parse(JSON.parse(text)).items;
  } catch (error) {
    // The values may be secrets: they are not told.
    throw new MobyvmError(
      'MOBYVM_STATE_FILE',
      `${path} does not hold what mobyvm wrote there.`,
      `Restore ${path} from a backup, or delete it: the items that were set with "mobyvm kvp set" are gone then.`,
      { cause: error instanceof SyntaxError ? undefined : error },
    );
  }
}
