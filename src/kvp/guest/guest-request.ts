import { randomBytes } from 'node:crypto';
import { silentLogger, type Logger, timeLimit } from '../../core/host/index.js';
import type { ErrorCode } from '../../core/values/index.js';
import type { KvpExchange } from '../exchange.js';
import { decodeGuestPresence, type GuestPresence } from './guest-presence.codec.js';
import { decodeGuestResult, type GuestResult } from './guest-result.codec.js';
import { NOT_READY_HINT } from '../kvp-errors.js';
import { GUEST_NAME, resultName } from './names.js';
import { sha256 } from './sha256.js';
import { encodeTransfer, type TransferItem } from './transfer.codec.js';
import { waitForItem } from './wait-for-item.js';

export interface GuestRequest {
  /** The name of the request in pool 0, see names.ts. */
  readonly name: string;
  /** Made when the guest is ready, because it may hold the time. At most 65,536 bytes. */
  body(): Uint8Array;
  /** For the whole request, the wait for the guest's agent included. */
  readonly timeoutSeconds: number;
  /** Continues the sentence "waiting for …". */
  readonly title: string;
  /** Code and remedy of the error when the guest does not answer. */
  readonly code: ErrorCode;
  readonly hint: string;
  readonly giveUp?: () => void;
  /** How often the answer is looked for; 250 if absent. */
  readonly everyMs?: number;
  /** Writes the last item of the request, the one that completes it, by calling `write`. */
  readonly writeLast?: (write: () => Promise<void>) => Promise<void>;
}

export interface GuestRequestOptions {
  readonly signal: AbortSignal;
  readonly logger?: Logger;
}

/** The names of items of requests that wait for their answer. No two of an exchange have the same at a time. */
const underWay = new WeakMap<KvpExchange, Set<string>>();

/** Removing our items must not hang either. */
const CLEAN_UP_SECONDS = 20;

/**
 * Waits for the guest's agent, sends it a request in pool 0 and waits for the answer with the request's id. What was set
 * is always overwritten and removed, even after a failure or an abort.
 * @returns the guest's result, which can be a refusal
 * @throws MobyvmError MOBYVM_KVP_NOT_READY without an agent; the request's code without an answer
 */
export async function askGuest(
  exchange: KvpExchange,
  request: GuestRequest,
  { signal, logger = silentLogger }: GuestRequestOptions,
): Promise<GuestResult> {
  const startedMs = performance.now();
  const leftSeconds = (): number =>
    Math.max(0, Math.round(request.timeoutSeconds * 1_000 - (performance.now() - startedMs)) / 1_000);
  await guestPresence(exchange, { timeoutSeconds: request.timeoutSeconds, giveUp: request.giveUp }, signal);
  const id = randomBytes(8).toString('hex');
  const items = encodeTransfer({ name: request.name, id, body: request.body() }, sha256);
  // The header first: without it the chunks mean nothing.
  const names = items.map(({ name }) => name).reverse();
  logger.debug('kvp.request.sent', { name: request.name, id, items: items.length });
  const used = underWay.get(exchange) ?? new Set<string>();
  underWay.set(exchange, used);
  for (const each of names) used.add(each);
  try {
    const result = await withCleanUp(
      async () => {
        await send(exchange, items, request.writeLast, signal);
        const { title, code, hint, giveUp } = request;
        const awaited = { name: resultName(request.name), title, code, hint, timeoutSeconds: leftSeconds() };
        return waitForItem(
          exchange,
          {
            ...awaited,
            ...(giveUp === undefined ? {} : { giveUp }),
            ...(request.everyMs === undefined ? {} : { everyMs: request.everyMs }),
          },
          (value) => resultOf(id, value),
          signal,
        );
      },
      () => exchange.remove(names, timeLimit(CLEAN_UP_SECONDS * 1_000)),
    );
    logger.info('kvp.request.answered', { name: request.name, id, ok: result.ok });
    return result;
  } finally {
    for (const each of names) used.delete(each);
  }
}

async function send(
  exchange: KvpExchange,
  items: readonly TransferItem[],
  writeLast: GuestRequest['writeLast'],
  signal: AbortSignal,
): Promise<void> {
  const secret = items.map((item) => ({ ...item, secret: true }));
  if (writeLast === undefined) return exchange.set(secret, signal);
  await exchange.set(secret.slice(0, -1), signal);
  await writeLast(() => exchange.set(secret.slice(-1), signal));
}

/** The guest's agent, as soon as it is ready. @throws MobyvmError MOBYVM_KVP_NOT_READY */
export function guestPresence(
  exchange: KvpExchange,
  options: { readonly timeoutSeconds: number; readonly giveUp?: (() => void) | undefined },
  signal: AbortSignal,
): Promise<GuestPresence> {
  return waitForItem(
    exchange,
    {
      name: GUEST_NAME,
      title: "the guest's agent",
      timeoutSeconds: options.timeoutSeconds,
      hint: NOT_READY_HINT,
      ...(options.giveUp === undefined ? {} : { giveUp: options.giveUp }),
    },
    decodeGuestPresence,
    signal,
  );
}

/**
 * Removes what a daemon that was killed between asking and cleaning up left in the host's items. Requests that are under way
 * keep theirs: also those that begin meanwhile, because the exchange processes calls in their order.
 * @returns how many there were
 */
export async function removeLeftRequests(exchange: KvpExchange, signal: AbortSignal): Promise<number> {
  const found = await exchange.requests(signal);
  const names = found.filter((name) => underWay.get(exchange)?.has(name) !== true);
  if (names.length > 0) await exchange.remove(names, signal);
  return names.length;
}

/** Ignores an answer to an earlier request; an unreadable one becomes the reason of the timeout. */
function resultOf(id: string, value: string): GuestResult | undefined {
  const result = decodeGuestResult(value);
  return result.id === id ? result : undefined;
}

/** A failed clean-up is appended to the error of the work; alone, it is the error. */
async function withCleanUp<T>(work: () => Promise<T>, cleanUp: () => Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    const failed = await cleanUp().then(
      () => undefined,
      (reason: unknown) => [reason],
    );
    throw failed === undefined
      ? error
      : new AggregateError([error, ...failed], 'The request and its clean-up failed.');
  }
  await cleanUp();
  return result;
}
