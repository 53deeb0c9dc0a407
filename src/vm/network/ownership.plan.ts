import { MobyvmError } from '../../core/values/index.js';

/** What shows whether we created an object on the host. */
export interface Evidence {
  /** The object's tag (a link's alias, a rule's comment). */
  readonly tag: string | undefined;
  /** The scope in which we created it according to the ledger; undefined when the ledger does not have it. */
  readonly ledgerScope: string | undefined;
}

export type Ownership = 'ours' | 'foreign';

/** The tag of everything that belongs to one machine. */
export function tagOf(machineId: string): string {
  return `mobyvm:${machineId}`;
}

/** True for a text with the tag of any machine of mobyvm. */
export function isTagged(text: string): boolean {
  return text.split(/\s/).some((word) => word.startsWith(tagOf('')));
}

/**
 * An object with our tag is ours. One without a tag is ours only if the ledger has it for the current boot
 * and namespace: then we died between creating and tagging it. An entry of another scope proves nothing: our
 * object did not survive the restart, and someone may have created another one with that name since.
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
    `The ${what} exists already${maker}, and this mobyvm did not create it.`,
    `Set network.bridge in the settings to another name${removal === undefined ? '.' : `, or, if nothing needs it, remove it: ${removal}`}`,
  );
}
