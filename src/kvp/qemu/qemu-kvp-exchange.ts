import { silentLogger, sleep, SerialQueue, timeLimit, type Logger } from '../../core/host/index.js';
import { isAbort, textOf, type Mac } from '../../core/values/index.js';
import {
  checkSettings,
  listingOf,
  type KvpExchange,
  type KvpListing,
  type KvpPool,
  type KvpSetting,
} from '../exchange.js';
import { HvStatus, statusText } from '../wire/hv-status.js';
import { AddressFamily, type IpInfo } from '../wire/ip-info.codec.js';
import { failedError, limitError } from '../kvp-errors.js';
import { Pool, type KvpAnswer } from '../wire/kvp-message.codec.js';
import { valueText } from '../wire/kvp-value.codec.js';
import { MAX_LISTED_ITEMS } from '../wire/limits.js';
import { GUEST_NAME, isRequestName } from '../guest/names.js';
import { withinSeconds } from '../operation-deadline.js';
import { GuestDaemon, isUnreadable } from './guest-daemon.js';
import { KvpConnection } from './kvp-connection.js';
import { DEFAULT_TIMING, type KvpSocketTiming } from './kvp-socket.js';
import type { KvpItemStore } from './item-store.js';
import { OwnItems, type ItemKind } from './own-items.js';

export interface QemuKvpOptions {
  /** The chardev's unix socket; QEMU serves one client at a time. */
  readonly socketPath: string;
  readonly logger?: Logger;
  /** Where the items outlive this object; without it they do not. Requests to the guest are never stored. */
  readonly store?: KvpItemStore;
  /** How long a guest without a KVP daemon is waited for; 40. */
  readonly readySeconds?: number;
  /** For one call as a whole, once it is its turn; 60. */
  readonly operationSeconds?: number;
  /** How often {@link QemuKvpExchange.keepItems} looks; 5,000. */
  readonly keepEveryMs?: number;
  readonly socketTiming?: Partial<KvpSocketTiming>;
}

/** About a second, in an emulated guest. */
const ITEMS_AT_ONCE = 25;
/** How long a guest that does not answer is waited for with the removal of an item. */
const REMOVE_MS = 10_000;
/** How long {@link QemuKvpExchange.keep} waits for its turn and the guest together. */
const KEEP_MS = 3_000;

const POOL: Readonly<Record<KvpPool, number>> = {
  host: Pool.external,
  guest: Pool.guest,
  intrinsic: Pool.auto,
};

/**
 * The exchange over QEMU's virtio-serial port, where mobyvm plays the role of Hyper-V and speaks `hv_kvp_msg` with the
 * guest's unmodified hv_kvp_daemon. It keeps the items that were set, and sends them again to a guest whose daemon has
 * restarted.
 */
export class QemuKvpExchange implements KvpExchange {
  readonly #connection: KvpConnection;
  readonly #daemon: GuestDaemon;
  readonly #own = new OwnItems();
  readonly #store: KvpItemStore | undefined;
  #loading: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  /** How many removals the store has. */
  #storedRemovals = 0;
  readonly #turns = new SerialQueue();
  readonly #closed = new AbortController();
  readonly #logger: Logger;
  readonly #operationSeconds: number;
  readonly #keepEveryMs: number;

  constructor(options: QemuKvpOptions) {
    this.#connection = new KvpConnection(options.socketPath, { ...DEFAULT_TIMING, ...options.socketTiming });
    this.#daemon = new GuestDaemon(this.#connection, options.readySeconds ?? 40);
    this.#logger = options.logger ?? silentLogger;
    this.#store = options.store;
    this.#operationSeconds = options.operationSeconds ?? 60;
    this.#keepEveryMs = options.keepEveryMs ?? 5_000;
  }

  /** The store comes first: it can refuse at once, because its disk is full, what the guest would be waited for with. */
  async set(items: readonly KvpSetting[], signal: AbortSignal): Promise<void> {
    checkSettings(items);
    const isStored = !items.every(({ name }) => isRequestName(name));
    await this.#operation('Setting items', signal, async (within) => {
      const undo = this.#own.keepAll(items);
      try {
        if (isStored) await this.#save();
        for (const item of items) {
          await this.#send(item, within);
          this.#logger.debug('kvp.item.set', { name: item.name, characters: item.value.length });
        }
      } catch (error) {
        undo();
        if (isStored) await this.#save().catch(() => undefined);
        throw error;
      }
    });
  }

  /** It is not its turn that is waited for: the guest's configuration has it while the guest boots. */
  async keep(items: readonly KvpSetting[], signal: AbortSignal): Promise<boolean> {
    checkSettings(items);
    await this.#load();
    const undo = this.#own.keepAll(items);
    try {
      await this.#save();
      return await this.#sendSoon(items, signal);
    } catch (error) {
      undo();
      await this.#save().catch(() => undefined);
      throw error;
    }
  }

  async remove(names: readonly string[], signal: AbortSignal): Promise<void> {
    const forget = (): void => names.forEach((name) => this.#own.forget(name));
    forget();
    if (names.every(isRequestName)) {
      await this.#operation('Removing items', signal, async (within) => {
        // Again, because a call before this one may have set them in the meantime.
        forget();
        await this.#removeForgotten('request', within);
      });
    } else {
      // Its turn is taken at once, so that a later call comes after it.
      const removed = this.#removeSoon(forget, signal);
      const stored = this.#load().then(() => {
        forget();
        return this.#save();
      });
      for (const outcome of await Promise.allSettled([removed, stored])) {
        if (outcome.status === 'rejected') throw outcome.reason;
      }
    }
    this.#logger.debug('kvp.item.removed', { names: names.length });
  }

  /** The host's items are known here: also while the guest is away. */
  async list(pool: KvpPool, signal: AbortSignal): Promise<KvpListing> {
    if (pool !== 'host')
      return this.#operation('Listing items', signal, (within) => this.#enumerate(pool, within));
    AbortSignal.any([signal, this.#closed.signal]).throwIfAborted();
    await this.#load();
    return listingOf(this.#own.kept, 0, (name) => this.#own.isSecret(name));
  }

  async requests(signal: AbortSignal): Promise<readonly string[]> {
    const { items } = await this.#operation('Listing requests', signal, (within) =>
      this.#enumerate('host', within),
    );
    return items.map(({ name }) => name).filter(isRequestName);
  }

  get(pool: 'guest' | 'intrinsic', name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#operation('Reading an item', signal, async (within) => {
      // The daemon generates the intrinsic items while enumerating them, and cannot look them up by name.
      if (pool === 'guest') return this.#daemon.get(Pool.guest, name, within);
      const { items } = await this.#enumerate(pool, within);
      return items.find((item) => item.name === name)?.value;
    });
  }

  ipInfo(mac: Mac, signal: AbortSignal): Promise<IpInfo | undefined> {
    const request = { operation: 'get-ip-info', info: { ...NO_INFO, adapterId: mac.toUpperCase() } } as const;
    return this.#operation('Reading addresses', signal, async (within) => {
      // An unknown adapter and an absent daemon have the same status: this one is not waited for.
      const answer = await this.#daemon.askOnce(request, within);
      return answer?.info;
    });
  }

  /**
   * Looks from time to time whether the guest was booted again, and sends it its items then. Other calls send only some.
   * @throws the signal's reason, and nothing else
   */
  async keepItems(signal: AbortSignal): Promise<never> {
    let presence: string | undefined;
    for (;;) {
      try {
        const found = await this.#operation('Looking for the guest', signal, (within) =>
          this.#presence(within),
        );
        // Also at the first sight: what was set before may have gone to an earlier boot.
        if (found !== undefined && found !== presence) this.#daemon.isDoubtful = true;
        if (found !== undefined) await this.#sendRest(signal);
        if (presence !== undefined && found !== presence)
          this.#logger.info('kvp.guest.back', { presence: found });
        presence = found ?? presence;
      } catch (error) {
        signal.throwIfAborted();
        this.#closed.signal.throwIfAborted();
        this.#logger.debug('kvp.guest.away', { reason: textOf(error) });
      }
      await sleep(this.#keepEveryMs, signal);
    }
  }

  close(): Promise<void> {
    this.#closed.abort(failedError('The key-value exchange was closed.'));
    this.#connection.close();
    return Promise.resolve();
  }

  /** Reads the file once. Every call fails while it is unreadable, and nothing is overwritten. */
  #load(): Promise<void> {
    this.#loading ??= this.#loadItems().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #loadItems(): Promise<void> {
    const { items, removals } = (await this.#store?.load()) ?? { items: [], removals: [] };
    for (const item of items) this.#own.keep(item);
    for (const removal of removals) this.#own.stillToRemove(removal);
    this.#storedRemovals = removals.length;
    // The guest may have been booted since.
    if (items.length > 0) this.#daemon.isDoubtful = true;
  }

  async #save(): Promise<void> {
    const save = async (): Promise<void> => {
      const { removals } = this.#own;
      await this.#store?.save({ items: this.#own.kept.filter(({ name }) => !isRequestName(name)), removals });
      this.#storedRemovals = removals.length;
    };
    // One after the other, each with what is kept by then: the last one has it all.
    const saved = this.#saving.then(save);
    this.#saving = saved.catch(() => undefined);
    await saved;
  }

  #operation<T>(what: string, signal: AbortSignal, work: (within: AbortSignal) => Promise<T>): Promise<T> {
    return this.#inTurn(what, signal, async (within) => {
      await this.#catchUp(within);
      const result = await work(within);
      await this.#catchUp(within);
      await this.#saveFewerRemovals();
      return result;
    });
  }

  /** Without it, the next exchange removes what is gone already, which does no harm. */
  async #saveFewerRemovals(): Promise<void> {
    if (this.#own.removals.length >= this.#storedRemovals) return;
    await this.#save().catch((error: unknown) => {
      this.#logger.debug('kvp.items.unsaved', { reason: textOf(error) });
    });
  }

  #inTurn<T>(what: string, signal: AbortSignal, work: (within: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    return this.#turns.run(
      () =>
        withinSeconds(this.#operationSeconds, what, either, async (within) => {
          await this.#load();
          return work(within);
        }),
      either,
    );
  }

  /**
   * Brings a guest that may have forgotten closer to the state that is wanted: all requests, and some of the items, so
   * that hundreds of them hold up no other call. `keepItems` sends the rest.
   */
  async #catchUp(signal: AbortSignal): Promise<void> {
    if (this.#daemon.isDoubtful) {
      this.#daemon.isDoubtful = false;
      this.#own.doubtAll();
    }
    await this.#removeForgotten('request', signal);
    for (const item of this.#own.unsent('request')) await this.#send(item, signal);
    await this.#removeForgotten('item', signal, ITEMS_AT_ONCE);
    for (const item of this.#own.unsent('item').slice(0, ITEMS_AT_ONCE)) await this.#send(item, signal);
  }

  async #sendRest(signal: AbortSignal): Promise<void> {
    const items = this.#own.unsent('item').length;
    const hasMore = (): boolean =>
      this.#daemon.isDoubtful || this.#own.unsent('item').length > 0 || this.#own.toRemove('item').length > 0;
    if (!hasMore()) return;
    while (hasMore()) await this.#operation('Sending items again', signal, () => Promise.resolve());
    this.#logger.info('kvp.items.resent', { items });
  }

  async #send(item: KvpSetting, signal: AbortSignal): Promise<void> {
    await this.#daemon.set(item.name, item.value, signal);
    this.#own.sent(item);
  }

  async #removeForgotten(kind: ItemKind, signal: AbortSignal, most?: number): Promise<void> {
    for (const name of this.#own.toRemove(kind).slice(0, most)) {
      await this.#daemon.remove(name, signal);
      this.#own.removed(name);
    }
  }

  /** @returns false for a guest that is away, or does not answer: it gets the items as soon as it is back */
  async #sendSoon(items: readonly KvpSetting[], signal: AbortSignal): Promise<boolean> {
    const soon = timeLimit(KEEP_MS, signal);
    try {
      return await this.#inTurn('Setting items', soon, async (within) => {
        for (const item of items) {
          if (!(await this.#daemon.setOnce(item.name, item.value, within))) return false;
          this.#own.sent(item);
        }
        return true;
      });
    } catch (error) {
      signal.throwIfAborted();
      this.#closed.signal.throwIfAborted();
      if (!soon.aborted) throw error;
      this.#logger.debug('kvp.guest.away', { reason: textOf(error) });
      return false;
    }
  }

  /** A guest that is away, or does not answer, loses the items as soon as it is back. */
  async #removeSoon(forget: () => void, signal: AbortSignal): Promise<void> {
    const soon = timeLimit(REMOVE_MS, signal);
    try {
      await this.#inTurn('Removing items', soon, async (within) => {
        forget();
        for (const name of this.#own.toRemove('item')) {
          if (!(await this.#daemon.removeOnce(name, within))) return;
          this.#own.removed(name);
        }
        await this.#saveFewerRemovals();
      });
    } catch (error) {
      signal.throwIfAborted();
      this.#closed.signal.throwIfAborted();
      this.#logger.debug('kvp.guest.away', { reason: textOf(error) });
    }
  }

  async #enumerate(pool: KvpPool, signal: AbortSignal): Promise<KvpListing> {
    const found: { readonly name: string; readonly value: string }[] = [];
    let unreadable = 0;
    for (let index = 0; ; index++) {
      const answer = await this.#itemAt(POOL[pool], index, signal);
      if (answer?.status === HvStatus.noMoreItems) break;
      if (index === MAX_LISTED_ITEMS) throw tooMany();
      if (answer === undefined) unreadable += 1;
      else if (answer.status !== HvStatus.ok) throw notListedError(pool, answer.status);
      else if (answer.key !== undefined && answer.value !== undefined) {
        found.push({ name: answer.key, value: valueText(answer.value) });
      }
    }
    return listingOf(found, unreadable, (name) => pool === 'host' && this.#own.isSecret(name));
  }

  /** @returns undefined for an item whose texts are malformed */
  async #itemAt(pool: number, index: number, signal: AbortSignal): Promise<KvpAnswer | undefined> {
    try {
      return await this.#daemon.ask({ operation: 'enumerate', pool, index }, signal);
    } catch (error) {
      if (isAbort(error) || !isUnreadable(error)) throw error;
      return undefined;
    }
  }

  /** The agent's item, without waiting for it. */
  async #presence(signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#daemon.askOnce(
      { operation: 'get', pool: Pool.guest, key: GUEST_NAME },
      signal,
    );
    return answer?.value === undefined ? undefined : valueText(answer.value);
  }
}

const NO_INFO: IpInfo = {
  adapterId: '',
  addressFamily: AddressFamily.ipv4,
  dhcpEnabled: false,
  addresses: [],
  netmasks: [],
  gateways: [],
  nameServers: [],
};

function tooMany(): Error {
  return limitError(
    `The guest has more than ${MAX_LISTED_ITEMS} items; they are not read.`,
    'Find out in the guest what writes them (/var/lib/hyperv), or use `mobyvm restart`.',
  );
}

function notListedError(pool: KvpPool, status: number): Error {
  return failedError(`The guest refused to list its ${pool} items: ${statusText(status)}.`);
}
