import { CodecError } from '../../core/values/index.js';
import type { KvpExchange } from '../exchange.js';
import { failedError } from '../kvp-errors.js';
import { askGuest, guestPresence, type GuestRequestOptions } from './guest-request.js';
import { TIME_NAME } from './names.js';
import { decodeTimeAnswer, encodeTimeRequest, type TimeAnswer } from './time-request.codec.js';

export interface SyncGuestTimeOptions extends GuestRequestOptions {
  /** Asked when the request is sent. */
  readonly nowMs: () => number;
  /** For everything together: the guest's agent comes, steps and answers. */
  readonly timeoutSeconds: number;
  /** Throws when waiting longer is pointless (the VM is gone). */
  readonly giveUp?: () => void;
}

/**
 * Sends the guest the host's time. The guest steps its clock if it is more than a second off; the delay of the
 * request, about 100 ms, is the remaining error.
 * @returns undefined for a guest whose agent is older than the request, such as one that was saved before an upgrade
 * @throws MobyvmError MOBYVM_KVP_NOT_READY without an agent; MOBYVM_KVP_FAILED when the guest refuses the time, or does not
 *   answer
 */
export async function syncGuestTime(
  exchange: KvpExchange,
  { nowMs, timeoutSeconds, giveUp, ...options }: SyncGuestTimeOptions,
): Promise<TimeAnswer | undefined> {
  const { agent } = await guestPresence(exchange, { timeoutSeconds, giveUp }, options.signal);
  if (agent === AGENT_WITHOUT_TIME) return undefined;
  const result = await askGuest(
    exchange,
    {
      name: TIME_NAME,
      title: 'the guest to look at its clock',
      body: () => encodeTimeRequest({ timeMs: nowMs() }),
      timeoutSeconds,
      code: 'MOBYVM_KVP_FAILED',
      hint: 'Look at `mobyvm console --lines 200` for mobyvm-agent.',
      ...(giveUp === undefined ? {} : { giveUp }),
    },
    options,
  );
  if (!result.ok)
    throw failedError(`The guest did not take the host's time (${result.code}): ${result.text}`);
  try {
    return decodeTimeAnswer(result.text);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw failedError(`The guest's answer about its clock makes no sense.`, error);
  }
}

/** As guest/overlay/usr/lib/mobyvm/kvp-agent named itself before it knew the request. */
const AGENT_WITHOUT_TIME = 'mobyvm-agent-1';
