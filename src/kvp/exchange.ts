import { CodecError, type Mac } from '../core/values/index.js';
import type { IpInfo } from './wire/ip-info.codec.js';
import { limitError } from './kvp-errors.js';
import { MAX_KEY_BYTES, MAX_UNITS, MAX_VALUE_BYTES, type Direction } from './wire/limits.js';
import { isRequestName } from './guest/names.js';
import { encodeTextField, forbiddenCharacterAt } from './wire/text-field.codec.js';

/** What the host set for the guest; what the guest set for the host; what the guest's daemon says about its system. */
export type KvpPool = 'host' | 'guest' | 'intrinsic';

export interface KvpSetting {
  readonly name: string;
  readonly value: string;
  /** Never shown in lists and logs, and overwritten before it is removed. */
  readonly secret?: boolean;
}

export interface KvpItem {
  readonly name: string;
  /** `***` when it is secret. */
  readonly value: string;
  readonly isSecret: boolean;
}

export interface KvpListing {
  /** By name, code unit by code unit; of equal names the last one that was found. */
  readonly items: readonly KvpItem[];
  /** Items that were left out because they are not valid texts. */
  readonly unreadable: number;
}

/**
 * The key-value exchange with one virtual machine, over WMI or over a virtio-serial port.
 *
 * Calls are processed one at a time, in the order in which they were made. Each of them ends: with success, by its signal,
 * or at a deadline of the implementation (60 s at most, plus those of the calls before it). An aborted call may have taken
 * effect. All calls can be repeated.
 *
 * @throws MobyvmError MOBYVM_KVP_LIMIT for an item that KVP cannot carry, before anything is sent;
 *   MOBYVM_KVP_NOT_READY if the guest did not take part before the deadline;
 *   MOBYVM_KVP_FAILED if the other side refuses, does not answer, or gives an invalid answer.
 */
export interface KvpExchange {
  /**
   * Adds the items or replaces their values, in this order, and keeps them: a guest that reboots gets them again.
   * No name may occur twice. If it fails, some of the items may be set.
   */
  set(items: readonly KvpSetting[], signal: AbortSignal): Promise<void>;

  /**
   * Only where this exchange alone keeps the items: as `set`, but a guest that is booting is not waited for. It gets them
   * when it has booted.
   * @returns whether the guest has them already
   */
  keep?(items: readonly KvpSetting[], signal: AbortSignal): Promise<boolean>;

  /**
   * Succeeds for missing names. Even if it fails, the items are not sent to the guest again. An exchange that keeps the
   * items itself also succeeds while the guest is away.
   */
  remove(names: readonly string[], signal: AbortSignal): Promise<void>;

  /**
   * An exchange that keeps the host's items itself lists that pool even while the guest is away.
   * @throws MobyvmError MOBYVM_KVP_LIMIT if there are more than 10,000 items
   */
  list(pool: KvpPool, signal: AbortSignal): Promise<KvpListing>;

  /** The names of the requests in the guest's pool, including those that another process left there. */
  requests(signal: AbortSignal): Promise<readonly string[]>;

  /** The value of one item, or undefined if it does not exist. */
  get(pool: Exclude<KvpPool, 'host'>, name: string, signal: AbortSignal): Promise<string | undefined>;

  /** What the guest reports about the adapter with this address; undefined if it has no such adapter. */
  ipInfo?(mac: Mac, signal: AbortSignal): Promise<IpInfo | undefined>;

  /**
   * Only where this exchange alone keeps the items: watches for reboots of the guest, and sends them again.
   * @throws the signal's reason, or that of `close`
   */
  keepItems?(signal: AbortSignal): Promise<never>;

  /** Ends pending calls and closes the connection. The items are kept. */
  close(): Promise<void>;
}

/** @throws MobyvmError MOBYVM_KVP_LIMIT with the size that it has and the one that fits */
export function checkSettings(items: readonly KvpSetting[]): void {
  for (const { name, value } of items) checkItem(name, value, 'to-guest');
  const twice = items.find(({ name }, at) => items.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined) {
    throw limitError(`"${shown(twice.name)}" is set twice in one call.`, 'Give each name one value.');
  }
}

/** Checks the sizes in UTF-8 bytes and in UTF-16 units, and that every character can pass. */
export function checkItem(name: string, value: string, direction: Direction): void {
  if (name === '')
    throw limitError('An item needs a name.', 'Give it one, for example `mobyvm kvp set NAME VALUE`.');
  const units = MAX_UNITS[direction];
  checkText(name, `The name "${shown(name)}"`, { bytes: MAX_KEY_BYTES, units: units.key });
  checkText(value, `The value of "${shown(name)}"`, { bytes: MAX_VALUE_BYTES, units: units.value });
}

function checkText(
  text: string,
  what: string,
  most: { readonly bytes: number; readonly units: number },
): void {
  const at = forbiddenCharacterAt(text);
  if (at >= 0) {
    const message = `${what} holds a character at ${at} that cannot be sent (a control character other than tab and line ends, or half a surrogate pair).`;
    throw limitError(message, 'Send plain text; encode other things, for example with base64.');
  }
  if (text.length > most.units) {
    const message = `${what} has ${text.length} UTF-16 units; ${most.units} fit into an item.`;
    throw limitError(message, 'Shorten it, or spread it over several items.');
  }
  try {
    encodeTextField(text, most.bytes + 1, 'text');
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw limitError(
      `${what} ${error.problem}.`,
      'Shorten it: characters beyond ASCII take 2 to 4 bytes each.',
    );
  }
}

const MASK = '***';

/** Sorts, leaves one of each name, and masks what is secret. */
export function listingOf(
  found: readonly { readonly name: string; readonly value: string }[],
  unreadable: number,
  isKnownSecret: (name: string) => boolean,
): KvpListing {
  const values = new Map(found.map(({ name, value }) => [name, value]));
  const names = [...values.keys()].sort((a, b) => (a < b ? -1 : 1));
  const items = names.map((name) => {
    const isSecret = isKnownSecret(name) || isRequestName(name);
    return { name, value: isSecret ? MASK : (values.get(name) ?? ''), isSecret };
  });
  return { items, unreadable };
}

function shown(name: string): string {
  return name.length <= 60 ? name : `${name.slice(0, 60)}…`;
}
