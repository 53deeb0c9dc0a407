import type { KvpExchange } from '../exchange.js';
import { failedError } from '../kvp-errors.js';
import { encodeFields } from './fields.codec.js';
import { askGuest, guestPresence, type GuestRequestOptions } from './guest-request.js';
import { SYNC_NAME } from './names.js';

/** Agents that do not know the request, by the names that they have in their presence. */
const WITHOUT_SYNC: readonly string[] = ['mobyvm-agent-1', 'mobyvm-agent-2', 'mobyvm-agent-3'];

/**
 * Has the guest write to its disk what it holds in its memory, as sync(1) does.
 * @returns false for a guest whose agent is older than the request
 * @throws MobyvmError MOBYVM_KVP_NOT_READY without an agent; MOBYVM_KVP_FAILED if the guest does not answer in time, or refuses
 */
export async function flushGuestDisk(
  exchange: KvpExchange,
  { timeoutSeconds, ...options }: GuestRequestOptions & { readonly timeoutSeconds: number },
): Promise<boolean> {
  const { agent } = await guestPresence(exchange, { timeoutSeconds }, options.signal);
  if (WITHOUT_SYNC.includes(agent)) return false;
  const result = await askGuest(
    exchange,
    {
      name: SYNC_NAME,
      title: 'the guest to write to its disk',
      // It has no fields: see fields.codec.ts for its form.
      body: () => encodeFields({ kind: 'mobyvm-sync', version: 1, fields: [] }),
      timeoutSeconds,
      code: 'MOBYVM_KVP_FAILED',
      hint: 'Look at `mobyvm console --lines 200` for mobyvm-agent.',
      everyMs: 100,
    },
    options,
  );
  if (!result.ok) throw failedError(`The guest did not write to its disk (${result.code}): ${result.text}`);
  return true;
}
