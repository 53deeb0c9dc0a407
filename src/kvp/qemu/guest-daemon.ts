import { CodecError, isAbort, MobyvmError } from '../../core/values/index.js';
import { HvStatus, statusText } from '../wire/hv-status.js';
import { failedError, NOT_READY_HINT } from '../kvp-errors.js';
import {
  decodeKvpAnswer,
  decodeKvpStatus,
  encodeKvpRequest,
  Pool,
  type KvpAnswer,
  type KvpRequest,
} from '../wire/kvp-message.codec.js';
import { textValue, valueText } from '../wire/kvp-value.codec.js';
import { MAX_VALUE_BYTES } from '../wire/limits.js';
import { waitForValue } from '../guest/wait-for-value.js';
import type { KvpConnection } from './kvp-connection.js';

/** A connection that breaks this often over one request will not carry it. */
const MAX_BREAKS = 3;

/**
 * hv_kvp_daemon of the guest, asked one request at a time. All requests can be repeated, so a connection that broke is
 * opened again, and a daemon that is not there is waited for.
 */
export class GuestDaemon {
  readonly #connection: KvpConnection;
  readonly #readySeconds: number;
  #seenOpened = 0;
  /** True when the guest may have lost our items: its daemon or the connection was gone. */
  isDoubtful = false;

  constructor(connection: KvpConnection, readySeconds: number) {
    this.#connection = connection;
    this.#readySeconds = readySeconds;
  }

  /** @throws MobyvmError MOBYVM_KVP_FAILED when the guest refuses the item */
  async set(name: string, value: string, signal: AbortSignal): Promise<void> {
    const request = { operation: 'set', pool: Pool.external, key: name, value: textValue(value) } as const;
    const { status } = await this.ask(request, signal);
    if (status !== HvStatus.ok) throw refused(`the item "${name}"`, status);
  }

  /** As `set`, but without waiting for a daemon. @returns false when there is none */
  async setOnce(name: string, value: string, signal: AbortSignal): Promise<boolean> {
    const request = { operation: 'set', pool: Pool.external, key: name, value: textValue(value) } as const;
    const answer = await this.askOnce(request, signal);
    if (answer !== undefined && answer.status !== HvStatus.ok)
      throw refused(`the item "${name}"`, answer.status);
    return answer !== undefined;
  }

  /** It is overwritten first: the daemon would write its tail to the file again, behind a shorter text. */
  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.set(name, FILLER, signal);
    const { status } = await this.ask({ operation: 'delete', pool: Pool.external, key: name }, signal);
    if (status !== HvStatus.ok && status !== HvStatus.noMoreItems)
      throw refused(`removing "${name}"`, status);
  }

  /** As `remove`, but without waiting for a daemon. @returns false when there is none */
  async removeOnce(name: string, signal: AbortSignal): Promise<boolean> {
    const filler = { operation: 'set', pool: Pool.external, key: name, value: textValue(FILLER) } as const;
    if ((await this.askOnce(filler, signal)) === undefined) return false;
    return (
      (await this.askOnce({ operation: 'delete', pool: Pool.external, key: name }, signal)) !== undefined
    );
  }

  /** @returns undefined when there is no such item */
  async get(pool: number, name: string, signal: AbortSignal): Promise<string | undefined> {
    const { status, value } = await this.ask({ operation: 'get', pool, key: name }, signal);
    if (status === HvStatus.noMoreItems) return undefined;
    if (status !== HvStatus.ok || value === undefined) throw refused(`reading "${name}"`, status);
    return valueText(value);
  }

  /** Waits for a daemon. @throws MobyvmError MOBYVM_KVP_NOT_READY, MOBYVM_KVP_FAILED; CodecError for a malformed answer */
  async ask(request: KvpRequest, signal: AbortSignal): Promise<KvpAnswer> {
    const message = encodeKvpRequest(request);
    const attempt = new Attempt(this.#connection, message);
    const answer = (await attempt.try(signal)) ?? (await this.#onceBack(attempt, signal));
    this.#noteOpened();
    return decodeKvpAnswer(request.operation, answer);
  }

  #onceBack(attempt: Attempt, signal: AbortSignal): Promise<Uint8Array> {
    this.isDoubtful = true;
    return waitForValue(
      {
        title: "the guest's KVP daemon",
        hint: NOT_READY_HINT,
        code: 'MOBYVM_KVP_NOT_READY',
        timeoutSeconds: this.#readySeconds,
        giveUp: () => attempt.throwIfHopeless(),
      },
      (lookSignal) => attempt.try(lookSignal),
      signal,
    );
  }

  /** Asks once, without waiting for a daemon. @returns undefined when there is none */
  async askOnce(request: KvpRequest, signal: AbortSignal): Promise<KvpAnswer | undefined> {
    const answer = await this.#connection.transact(encodeKvpRequest(request), signal);
    this.#noteOpened();
    const isAway = decodeKvpStatus(answer) === HvStatus.fail;
    if (isAway) this.isDoubtful = true;
    return isAway ? undefined : decodeKvpAnswer(request.operation, answer);
  }

  #noteOpened(): void {
    const { opened } = this.#connection;
    if (this.#seenOpened > 0 && opened > this.#seenOpened) this.isDoubtful = true;
    this.#seenOpened = opened;
  }
}

class Attempt {
  readonly #connection: KvpConnection;
  readonly #message: Uint8Array;
  #breaks = 0;
  #hopeless: MobyvmError | undefined;

  constructor(connection: KvpConnection, message: Uint8Array) {
    this.#connection = connection;
    this.#message = message;
  }

  throwIfHopeless(): void {
    if (this.#hopeless !== undefined) throw this.#hopeless;
  }

  /** @returns undefined when it is worth trying again */
  async try(signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const answer = await this.#connection.transact(this.#message, signal);
      return decodeKvpStatus(answer) === HvStatus.fail ? undefined : answer;
    } catch (error) {
      if (isAbort(error) || !(error instanceof MobyvmError)) throw error;
      this.#breaks += 1;
      if (error.code !== 'MOBYVM_KVP_FAILED' || this.#breaks >= MAX_BREAKS) {
        this.#hopeless = error;
        throw error;
      }
      return undefined;
    }
  }
}

/** True for an answer with malformed texts: the item is bad, but the connection is not. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof CodecError;
}

function refused(what: string, status: number): MobyvmError {
  return failedError(`The guest refused ${what}: ${statusText(status)}.`);
}

const FILLER = '-'.repeat(MAX_VALUE_BYTES);
