import { MobyvmError, textOf } from '../../../src/core/values/index.js';
import type { KvpExchange } from '../../../src/kvp/index.js';
import { GUEST_NAME } from '../../../src/kvp/guest/names.js';
import { ScriptedWmi } from '../kvp-wmi.js';

const PRESENCE_MS = 2_000;
const NOT_LISTENING = ['MOBYVM_KVP_NOT_READY', 'MOBYVM_KVP_FAILED'];

/** Hyper-V's side of the key-value exchange with a guest that is real: its items are those of {@link ScriptedWmi}. */
export class GuestWmi {
  readonly scripted = new ScriptedWmi();
  readonly #exchange: KvpExchange;
  readonly #signal = new AbortController().signal;
  #sent = new Map<string, string>();
  #sending: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(exchange: KvpExchange) {
    this.#exchange = exchange;
    this.scripted.isReady = false;
    this.scripted.onHostItems(() => this.#send());
  }

  /** Finds out whether the guest takes part, before items are changed. A guest that boots answers late, or never. */
  async lookForGuest(): Promise<void> {
    const soon = AbortSignal.timeout(PRESENCE_MS);
    await this.#look(soon, async () => {
      await this.#exchange.get('guest', GUEST_NAME, soon);
    });
  }

  /** Reads the guest's items, before they are asked for. */
  async lookForItems(): Promise<void> {
    await this.lookForGuest();
    const { guest, intrinsic } = this.scripted;
    for (const [name, pool] of [['guest', guest] as const, ['intrinsic', intrinsic] as const]) {
      pool.clear();
      if (!this.scripted.isReady) continue;
      await this.#look(this.#signal, async () => {
        const { items } = await this.#exchange.list(name, this.#signal);
        for (const item of items) pool.set(item.name, item.value);
      });
    }
  }

  /** Returns once the guest has what the calls so far have changed. @throws the reason why it does not */
  async settled(): Promise<void> {
    await this.#sending;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw new TypeError(textOf(failure), { cause: failure });
  }

  async #look(signal: AbortSignal, ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
      this.scripted.isReady = true;
    } catch (error) {
      const isAway = error instanceof MobyvmError && NOT_LISTENING.includes(error.code);
      if (!signal.aborted && !isAway) throw error;
      this.scripted.isReady = false;
    }
  }

  #send(): void {
    const wanted = new Map(this.scripted.host);
    const changed = [...wanted].filter(([name, value]) => this.#sent.get(name) !== value);
    const removed = [...this.#sent.keys()].filter((name) => !wanted.has(name));
    this.#sent = wanted;
    this.#sending = this.#sending
      .then(async () => {
        if (removed.length > 0) await this.#exchange.remove(removed, this.#signal);
        const items = changed.map(([name, value]) => ({ name, value }));
        if (items.length > 0) await this.#exchange.set(items, this.#signal);
      })
      .catch((error: unknown) => {
        this.#failure = error;
      });
  }
}
