import { CodecError } from '../../core/values/index.js';
import type { KvpExchange } from '../exchange.js';
import { failedError } from '../kvp-errors.js';
import { decodeClockAnswer, encodeClockRequest } from './clock-request.codec.js';
import { askGuest, guestPresence, type GuestRequestOptions } from './guest-request.js';
import { CLOCK_NAME } from './names.js';

export interface MeasureGuestClockOptions extends GuestRequestOptions {
  readonly nowMs: () => number;
  /** By how much the guest is to move its clock when it has been measured, milliseconds. */
  readonly adjustMs?: number | undefined;
  readonly timeoutSeconds: number;
}

/** Milliseconds. */
export interface ClockMeasurement {
  /** How far the guest's clock is ahead of the host's. */
  readonly offsetMs: number;
  /** It may be that much more or less: half of the time that writing took. */
  readonly uncertaintyMs: number;
}

/** The first agent that knows the request: guest/overlay/usr/lib/mobyvm/kvp-agent. */
const FIRST_AGENT = 5;

/**
 * Compares when the guest's daemon wrote the host's pool, by the guest's clock, with when it did so by the host's. How long
 * the request and its answer take does not matter.
 * @returns undefined for a guest whose agent is older than the request
 * @throws MobyvmError MOBYVM_KVP_NOT_READY without an agent; MOBYVM_KVP_FAILED if the guest refuses, or does not answer
 */
export async function measureGuestClock(
  exchange: KvpExchange,
  { nowMs, adjustMs, timeoutSeconds, ...options }: MeasureGuestClockOptions,
): Promise<ClockMeasurement | undefined> {
  const { agent } = await guestPresence(exchange, { timeoutSeconds }, options.signal);
  if (Number(/^mobyvm-agent-(\d+)$/.exec(agent)?.[1] ?? 0) < FIRST_AGENT) return undefined;
  let began = 0;
  let ended = 0;
  const result = await askGuest(
    exchange,
    {
      name: CLOCK_NAME,
      title: 'the guest to compare its clock',
      body: () => encodeClockRequest(adjustMs === undefined ? {} : { adjustMs }),
      timeoutSeconds,
      code: 'MOBYVM_KVP_FAILED',
      hint: 'Look at `mobyvm console --lines 200` for mobyvm-agent.',
      everyMs: 100,
      writeLast: async (write) => {
        began = nowMs();
        await write();
        ended = nowMs();
      },
    },
    options,
  );
  if (!result.ok) throw failedError(`The guest did not compare its clock (${result.code}): ${result.text}`);
  try {
    const writtenMs = decodeClockAnswer(result.text);
    return { offsetMs: writtenMs - (began + ended) / 2, uncertaintyMs: Math.abs(ended - began) / 2 };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw failedError("The guest's answer about its clock makes no sense.", error);
  }
}
