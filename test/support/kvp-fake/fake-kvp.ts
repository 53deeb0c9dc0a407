import { Listeners, SerialQueue, waitFor } from '../../../src/core/host/index.js';
import {
  checkSettings,
  listingOf,
  type KvpExchange,
  type KvpListing,
  type KvpPool,
  type KvpSetting,
} from '../../../src/kvp/exchange.js';
import { failedError, limitError, NOT_READY_HINT } from '../../../src/kvp/kvp-errors.js';
import { isRequestName } from '../../../src/kvp/guest/names.js';
import { MAX_LISTED_ITEMS } from '../../../src/kvp/wire/limits.js';
import type { TransferItem } from '../../../src/kvp/guest/transfer.codec.js';
import type { GuestSide } from './fake-agent.js';

/**
 * A guest's pools in memory, with both ends: the host's as {@link KvpExchange}, the guest's as {@link GuestSide}. For
 * the fake driver and for tests; knows no secrets that outlive it.
 */
export class FakeKvp implements KvpExchange, GuestSide {
  readonly #host = new Map<string, KvpSetting>();
  readonly #guest = new Map<string, string>();
  readonly #intrinsic = new Map<string, string>();
  readonly #turns = new SerialQueue();
  readonly #listeners = new Listeners();
  readonly #closed = new AbortController();
  readonly #readySeconds: number;
  /** False while the guest is off or still boots. */
  isReady = true;

  constructor(
    options: { readonly readySeconds?: number; readonly intrinsic?: Readonly<Record<string, string>> } = {},
  ) {
    this.#readySeconds = options.readySeconds ?? 5;
    for (const [name, value] of Object.entries(options.intrinsic ?? { OSName: 'Fake Linux' })) {
      this.#intrinsic.set(name, value);
    }
  }

  async set(items: readonly KvpSetting[], signal: AbortSignal): Promise<void> {
    checkSettings(items);
    await this.#operation(signal, () => {
      for (const item of items) this.#host.set(item.name, item);
      this.#changed();
    });
  }

  async remove(names: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#operation(signal, () => {
      for (const name of names) this.#host.delete(name);
      this.#changed();
    });
  }

  list(pool: KvpPool, signal: AbortSignal): Promise<KvpListing> {
    return this.#operation(signal, () => {
      const found =
        pool === 'host'
          ? this.hostItems()
          : [...(pool === 'guest' ? this.#guest : this.#intrinsic)].map(([name, value]) => ({ name, value }));
      if (found.length > MAX_LISTED_ITEMS) {
        throw limitError(
          `The guest has more than ${MAX_LISTED_ITEMS} items.`,
          'Remove some of them in the guest.',
        );
      }
      return listingOf(found, 0, (name) => pool === 'host' && this.#host.get(name)?.secret === true);
    });
  }

  async requests(signal: AbortSignal): Promise<readonly string[]> {
    const { items } = await this.list('host', signal);
    return items.map(({ name }) => name).filter(isRequestName);
  }

  get(pool: 'guest' | 'intrinsic', name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#operation(signal, () => (pool === 'guest' ? this.#guest : this.#intrinsic).get(name));
  }

  close(): Promise<void> {
    this.#closed.abort(failedError('The key-value exchange was closed.'));
    return Promise.resolve();
  }

  hostItems(): readonly TransferItem[] {
    return [...this.#host.values()].map(({ name, value }) => ({ name, value }));
  }

  setGuestItem(name: string, value: string): void {
    this.#guest.set(name, value);
  }

  removeGuestItem(name: string): void {
    this.#guest.delete(name);
  }

  onHostItems(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  #operation<T>(signal: AbortSignal, work: () => T): Promise<T> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    return this.#turns.run(async () => {
      await waitFor(
        {
          title: "the guest's KVP daemon",
          check: () => Promise.resolve(this.isReady),
          ...{ timeoutSeconds: this.#readySeconds, everyMs: 20 },
          ...{ code: 'MOBYVM_KVP_NOT_READY', hint: NOT_READY_HINT },
        },
        either,
      );
      return work();
    }, either);
  }

  #changed(): void {
    this.#listeners.emit();
  }
}
