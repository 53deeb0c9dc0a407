import type { KvpSetting } from '../exchange.js';
import { isRequestName } from '../guest/names.js';

/**
 * What the host wants pool 0 to hold, because nothing but its own memory does: the pools of a guest that is booted again
 * are empty.
 *
 * INVARIANT: a name is kept, or to be removed, or neither; never both.
 */
export class OwnItems {
  readonly #kept = new Map<string, KvpSetting>();
  /** Names that the guest may still have although they are not wanted; true for secrets. */
  readonly #toRemove = new Map<string, boolean>();

  get kept(): readonly KvpSetting[] {
    return [...this.#kept.values()];
  }

  get toRemove(): readonly { readonly name: string; readonly isSecret: boolean }[] {
    return [...this.#toRemove].map(([name, isSecret]) => ({ name, isSecret }));
  }

  isSecret(name: string): boolean {
    return isRequestName(name) || (this.#kept.get(name)?.secret ?? this.#toRemove.get(name) ?? false);
  }

  keep(item: KvpSetting): void {
    this.#toRemove.delete(item.name);
    this.#kept.set(item.name, item);
  }

  /** From now on the item is not sent again; it counts as not yet removed until {@link removed}. */
  forget(name: string): void {
    this.#toRemove.set(name, this.isSecret(name));
    this.#kept.delete(name);
  }

  removed(name: string): void {
    this.#toRemove.delete(name);
  }
}
