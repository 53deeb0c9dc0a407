import { MobyvmError } from '../../core/values/index.js';

/** What tells us whether something that stands on the host was made by us. */
export interface Evidence {
  /** The tag that it carries (a link's alias, a rule's comment). */
  readonly tag: string | undefined;
  /** In which scope the ledger says that we made it; undefined when the ledger does not know it. */
  readonly ledgerScope: string | undefined;
}

export type Ownership = 'ours' | 'foreign';

/** The tag that everything of one machine carries. */
export function tagOf(machineId: string): string {
  return `mobyvm:${machineId}`;
}

/**
 * Ours is what carries our tag. What carries none is ours only if the ledger has it for this very boot and namespace:
 * we died between making and tagging it. An entry of another scope proves nothing: a restart took our object away,
 * and somebody may have made his own of that name since.
 */
export function ownershipOf(
  { tag, ledgerScope }: Evidence,
  us: { readonly tag: string; readonly scope: string },
): Ownership {
  if (tag === us.tag) return 'ours';
  return tag === undefined && ledgerScope === us.scope ? 'ours' : 'foreign';
}

/**
 * @param what with its name, for example `bridge "mobyvm0"`
 * @param removal the command by which the user can remove it, unless that would be rash
 */
export function foreignObject(
  what: string,
  { tag, removal }: { tag: string | undefined; removal: string | undefined },
): MobyvmError {
  const maker = tag === undefined ? '' : ` (it says "${tag.slice(0, 80)}")`;
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `This mobyvm did not make the ${what} that is there already${maker}.`,
    `Set network.bridge in the settings to another name${removal === undefined ? '.' : `, or, if nothing needs it, remove it: ${removal}`}`,
  );
}
