import type { KvpSetting } from '../exchange.js';
import { isRequestName } from '../guest/names.js';

/**
 * The wanted contents of pool 0. Only the host remembers them: after a reboot the guest's pools are empty.
 *
 * INVARIANT: no name is both kept and to be removed.
 */
export class OwnItems {
  readonly #kept = new Map<string, KvpSetting>();
  /** Unwanted names that the guest may still have; true for secrets. */
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
