import { silentLogger, type Logger, type Requirement, SerialQueue } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { encodeCimItem } from '../wire/cim-xml.codec.js';
import {
  checkSettings,
  listingOf,
  type KvpExchange,
  type KvpListing,
  type KvpPool,
  type KvpSetting,
} from '../exchange.js';
import { failedError, NOT_READY_HINT } from '../kvp-errors.js';
import { MAX_ITEMS_PER_CALL, MAX_UNITS } from '../wire/limits.js';
import { isRequestName } from '../guest/names.js';
import { withinSeconds } from '../operation-deadline.js';
import { waitForValue } from '../guest/wait-for-value.js';
import { readItems } from './read-items.js';
import type { WmiItems, WmiKvp } from './wmi-kvp.js';
import { outcomeOf, type WmiOutcome } from './wmi-outcome.plan.js';

export interface HypervKvpOptions {
  readonly logger?: Logger;
  /** How long to wait for the KVP service of the guest; 40. */
  readonly readySeconds?: number;
  /** For one whole call, without the wait for its turn; 60. */
  readonly operationSeconds?: number;
}

type Method = 'add' | 'modify' | 'remove';

/**
 * The exchange over WMI. Hyper-V keeps the host's items, even across restarts of host and guest, and sends
 * them to a guest that boots; so an item must be removed here to disappear. Reading requires a running
 * machine.
 */
export class HypervKvpExchange implements KvpExchange {
  readonly #wmi: WmiKvp;
  readonly #turns = new SerialQueue();
  readonly #closed = new AbortController();
  readonly #secrets = new Set<string>();
  readonly #logger: Logger;
  readonly #readySeconds: number;
  readonly #operationSeconds: number;

  constructor(wmi: WmiKvp, options: HypervKvpOptions = {}) {
    this.#wmi = wmi;
    this.#logger = options.logger ?? silentLogger;
    this.#readySeconds = options.readySeconds ?? 40;
    this.#operationSeconds = options.operationSeconds ?? 60;
  }

  async set(items: readonly KvpSetting[], signal: AbortSignal): Promise<void> {
    checkSettings(items);
    await this.#operation('Setting items', signal, async (within) => {
      for (const item of items) {
        if (item.secret === true) this.#secrets.add(item.name);
        else this.#secrets.delete(item.name);
      }
      for (const batch of batches(items)) await this.#put(batch, within);
      this.#logger.debug('kvp.item.set', { items: items.length });
    });
  }

  async remove(names: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#operation('Removing items', signal, async (within) => {
      for (const batch of batches(names)) await this.#erase(batch, within);
      for (const name of names) this.#secrets.delete(name);
      this.#logger.debug('kvp.item.removed', { names: names.length });
    });
  }

  list(pool: KvpPool, signal: AbortSignal): Promise<KvpListing> {
    return this.#operation('Listing items', signal, async (within) => {
      const { found, unreadable } = readItems((await this.#read(within))[pool], pool);
      return listingOf(found, unreadable, (name) => pool === 'host' && this.#secrets.has(name));
    });
  }

  async requests(signal: AbortSignal): Promise<readonly string[]> {
    const { items } = await this.list('host', signal);
    return items.map(({ name }) => name).filter(isRequestName);
  }

  get(pool: 'guest' | 'intrinsic', name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#operation('Reading an item', signal, async (within) => {
      const { found } = readItems((await this.#read(within))[pool], pool);
      return found.findLast((item) => item.name === name)?.value;
    });
  }

  close(): Promise<void> {
    this.#closed.abort(failedError('The key-value exchange was closed.'));
    return Promise.resolve();
  }

  #operation<T>(what: string, signal: AbortSignal, work: (within: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    return this.#turns.run(() => withinSeconds(this.#operationSeconds, what, either, work), either);
  }

  /**
   * Add fails if any of the names exists, Modify if any is missing. Which of them exist is only read when
   * that happens.
   */
  async #put(batch: readonly KvpSetting[], signal: AbortSignal): Promise<void> {
    if ((await this.#call('add', batch, signal)) === 'done') return;
    const [item, ...others] = batch;
    if (item !== undefined && others.length === 0) return this.#replace(item, signal);
    if ((await this.#putKnown(batch, signal)) === 'done') return;
    for (const each of batch) {
      if ((await this.#call('add', [each], signal)) === 'conflict') await this.#replace(each, signal);
    }
  }

  async #replace(item: KvpSetting, signal: AbortSignal): Promise<void> {
    if ((await this.#call('modify', [item], signal)) === 'done') return;
    throw failedError(`Hyper-V refuses the item "${item.name}": it can be neither added nor modified.`);
  }

  async #putKnown(batch: readonly KvpSetting[], signal: AbortSignal): Promise<'done' | 'conflict'> {
    const items = await this.#wmi.read(signal);
    if (items === undefined) return 'conflict';
    const known = new Set(readItems(items.host, 'host').found.map(({ name }) => name));
    const existing = batch.filter(({ name }) => known.has(name));
    const missing = batch.filter(({ name }) => !known.has(name));
    const modified = existing.length === 0 ? 'done' : await this.#call('modify', existing, signal);
    if (modified === 'conflict' || missing.length === 0) return modified;
    return this.#call('add', missing, signal);
  }

  /**
   * Secrets are overwritten first: the guest's daemon removes a record by moving the later ones up, and would
   * leave the old text behind shorter values.
   */
  async #erase(names: readonly string[], signal: AbortSignal): Promise<void> {
    const items = names.map((name) => ({ name, value: '' }));
    const secrets = items.filter(({ name }) => isRequestName(name) || this.#secrets.has(name));
    if (secrets.length > 0) await this.#overwrite(secrets, signal);
    if ((await this.#call('remove', items, signal)) === 'done' || items.length === 1) return;
    // A missing one keeps all others from being removed.
    for (const item of items) await this.#call('remove', [item], signal);
  }

  /** Best effort: what matters is the removal that follows. */
  async #overwrite(items: readonly KvpSetting[], signal: AbortSignal): Promise<void> {
    const filled = items.map(({ name }) => ({ name, value: FILLER }));
    const all = await this.#once('modify', filled, signal);
    if (all.kind !== 'conflict' || filled.length === 1) return;
    for (const item of filled) await this.#once('modify', [item], signal);
  }

  async #once(method: Method, items: readonly KvpSetting[], signal: AbortSignal): Promise<WmiOutcome> {
    const texts = items.map(({ name, value }) => encodeCimItem({ name, data: value }));
    return outcomeOf(await this.#wmi[method](texts, signal));
  }

  /**
   * Waits for a guest that is not ready.
   * @throws MobyvmError when Hyper-V refuses it for another reason than the names
   */
  async #call(
    method: Method,
    items: readonly KvpSetting[],
    signal: AbortSignal,
  ): Promise<'done' | 'conflict'> {
    const first = await this.#once(method, items, signal);
    const outcome = first.kind === 'not-ready' ? await this.#onceReady(method, items, signal) : first;
    if (outcome.kind === 'done' || outcome.kind === 'conflict') return outcome.kind;
    throw refusedError(method, items, outcome);
  }

  #onceReady(method: Method, items: readonly KvpSetting[], signal: AbortSignal): Promise<WmiOutcome> {
    const look = async (lookSignal: AbortSignal): Promise<WmiOutcome | undefined> => {
      const outcome = await this.#once(method, items, lookSignal);
      return outcome.kind === 'not-ready' ? undefined : outcome;
    };
    return waitForValue(this.#ready(), look, signal);
  }

  async #read(signal: AbortSignal): Promise<WmiItems> {
    const look = (lookSignal: AbortSignal): Promise<WmiItems | undefined> => this.#wmi.read(lookSignal);
    return (await look(signal)) ?? waitForValue(this.#ready(), look, signal);
  }

  #ready(): Omit<Requirement, 'check'> {
    return {
      title: "the guest's KVP service",
      timeoutSeconds: this.#readySeconds,
      code: 'MOBYVM_KVP_NOT_READY',
      hint: NOT_READY_HINT,
    };
  }
}

const FILLER = '-'.repeat(MAX_UNITS['to-guest'].value);
const VERB: Readonly<Record<Method, string>> = { add: 'adding', modify: 'modifying', remove: 'removing' };

function batches<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / MAX_ITEMS_PER_CALL) }, (_, index) =>
    items.slice(index * MAX_ITEMS_PER_CALL, (index + 1) * MAX_ITEMS_PER_CALL),
  );
}

function refusedError(method: Method, items: readonly KvpSetting[], outcome: WmiOutcome): MobyvmError {
  const what = items.length === 1 ? `"${items[0]?.name ?? ''}"` : `${items.length} items`;
  if (outcome.kind === 'denied') {
    return new MobyvmError(
      'MOBYVM_KVP_FAILED',
      `Hyper-V refuses ${VERB[method]} ${what}: access is denied.`,
      'Run mobyvm as an administrator or as a member of the group Hyper-V Administrators.',
    );
  }
  const reason = outcome.kind === 'failed' ? outcome.reason : outcome.kind;
  return failedError(`Hyper-V refuses ${VERB[method]} ${what}: ${reason}.`);
}
