import type { KvpSetting } from '../exchange.js';
import { isRequestName } from '../guest/names.js';

/** Requests are few, and the host waits for their answers; items can be hundreds. */
export type ItemKind = 'request' | 'item';

/** An item that the guest may still have, and must not. */
export interface KvpRemoval {
  readonly name: string;
  readonly secret: boolean;
}

/** A guest that has missed more removals than this is rebooted sooner than it is sent them. */
export const MAX_REMOVALS = 1_000;

/**
 * The wanted contents of pool 0. Only the host remembers them: after a reboot the guest's pools are empty.
 *
 * INVARIANTS: no name is both kept and to be removed. Whatever is unsent is kept.
 */
export class OwnItems {
  readonly #kept = new Map<string, KvpSetting>();
  /** Names that the guest may not yet have with their current value. */
  readonly #unsent = new Set<string>();
  /** Unwanted names that the guest may still have; true for secrets. */
  readonly #toRemove = new Map<string, boolean>();

  get kept(): readonly KvpSetting[] {
    return [...this.#kept.values()];
  }

  /** What the guest has not confirmed yet; the newest, without requests. */
  get removals(): readonly KvpRemoval[] {
    const all = [...this.#toRemove].map(([name, secret]) => ({ name, secret }));
    return all.filter(({ name }) => kindOf(name) === 'item').slice(-MAX_REMOVALS);
  }

  isSecret(name: string): boolean {
    return isRequestName(name) || (this.#kept.get(name)?.secret ?? this.#toRemove.get(name) ?? false);
  }

  toRemove(kind: ItemKind): readonly string[] {
    return [...this.#toRemove.keys()].filter((name) => kindOf(name) === kind);
  }

  unsent(kind: ItemKind): readonly KvpSetting[] {
    return [...this.#unsent].flatMap((name) => {
      const item = this.#kept.get(name);
      return item !== undefined && kindOf(name) === kind ? [item] : [];
    });
  }

  keep(item: KvpSetting): void {
    this.#toRemove.delete(item.name);
    this.#kept.set(item.name, item);
    this.#unsent.add(item.name);
  }

  sent({ name, value }: KvpSetting): void {
    if (this.#kept.get(name)?.value === value) this.#unsent.delete(name);
  }

  /** From now on the item is not sent again; it counts as not yet removed until {@link removed}. */
  forget(name: string): void {
    this.#toRemove.set(name, this.isSecret(name));
    this.#kept.delete(name);
    this.#unsent.delete(name);
  }

  /** As an earlier exchange has left it. */
  stillToRemove({ name, secret }: KvpRemoval): void {
    if (!this.#kept.has(name)) this.#toRemove.set(name, secret);
  }

  removed(name: string): void {
    this.#toRemove.delete(name);
  }

  /** The guest may have lost everything. */
  doubtAll(): void {
    for (const name of this.#kept.keys()) this.#unsent.add(name);
  }

  /**
   * Keeps the items, and undoes that when they could not be set. What was changed again meanwhile stays.
   * @returns undoes it
   */
  keepAll(items: readonly KvpSetting[]): () => void {
    const before = items.map(({ name }) => this.#kept.get(name));
    items.forEach((item) => this.keep(item));
    return () =>
      items.forEach((item, at) => {
        if (this.#kept.get(item.name) !== item) return;
        const previous = before[at];
        if (previous === undefined) this.forget(item.name);
        else this.keep(previous);
      });
  }
}

function kindOf(name: string): ItemKind {
  return isRequestName(name) ? 'request' : 'item';
}
