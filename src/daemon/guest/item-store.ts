import { z } from 'zod';
import { noSeal, StateFile, type SecretSeal } from '../../core/host/index.js';
import { MAX_REMOVALS, type KvpItemStore } from '../../kvp/index.js';

const items = z.array(z.strictObject({ name: z.string(), value: z.string(), secret: z.boolean() }));
const removals = z.array(z.strictObject({ name: z.string(), secret: z.boolean() })).max(MAX_REMOVALS);
const current = z.strictObject({ version: z.literal(2), items, removals });
const schema = z.union([
  current,
  z
    .strictObject({ version: z.literal(1), items })
    .transform((stored): z.infer<typeof current> => ({ ...stored, version: 2, removals: [] })),
]);

function itemFile(path: string, seal: SecretSeal): StateFile<z.infer<typeof current>> {
  return new StateFile({
    path,
    seal,
    schema,
    isSecret: true,
    remedy: `Restore ${path} from a backup, or delete it and set the items of \`mobyvm kvp set\` again.`,
  });
}

/** Keeps the host's items in a file for root alone, as Hyper-V keeps them with the virtual machine. */
export function fileItemStore(path: string, seal: SecretSeal = noSeal): KvpItemStore {
  const file = itemFile(path, seal);
  return {
    async load() {
      return (await file.read()) ?? { items: [], removals: [] };
    },
    async save({ items, removals }) {
      const stored = items.map(({ name, value, secret = false }) => ({ name, value, secret }));
      await file.write({ version: 2, items: stored, removals: [...removals] });
    },
  };
}

/** Items that cannot be read must not keep the machine from starting. @returns whether their file was renamed */
export function setItemsAsideIfUnreadable(path: string, seal: SecretSeal = noSeal): Promise<boolean> {
  return itemFile(path, seal).setAsideIfUnreadable();
}
