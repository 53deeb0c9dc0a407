import type { ErrorCode } from '../../core/values/index.js';
import type { KvpExchange } from '../exchange.js';
import { waitForValue } from './wait-for-value.js';

/** An item of the guest that must arrive before work can continue. */
export interface AwaitedItem {
  readonly name: string;
  /** Continues the sentence "waiting for …". */
  readonly title: string;
  readonly timeoutSeconds: number;
  readonly hint: string;
  /** MOBYVM_KVP_NOT_READY if absent. */
  readonly code?: ErrorCode;
  /** Throws when waiting longer is pointless. */
  readonly giveUp?: () => void;
  /** 250 if absent. Reading costs a call of some 100 ms on Hyper-V and 2 ms on QEMU. */
  readonly everyMs?: number;
}

/**
 * Polls the guest's pool until the item exists and `accept` returns a result.
 * @param accept returns undefined for a value that is not the awaited one (an old answer); an error is kept as the reason
 */
export function waitForItem<T>(
  exchange: KvpExchange,
  item: AwaitedItem,
  accept: (value: string) => T | undefined,
  signal: AbortSignal,
): Promise<T> {
  const { name, ...requirement } = item;
  return waitForValue(
    { code: 'MOBYVM_KVP_NOT_READY', ...requirement },
    async (lookSignal) => {
      const value = await exchange.get('guest', name, lookSignal);
      return value === undefined ? undefined : accept(value);
    },
    signal,
  );
}
