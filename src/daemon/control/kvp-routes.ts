import { MobyvmError } from '../../core/values/index.js';
import {
  isReservedName,
  MAX_HOST_ITEMS,
  RESERVED_PREFIX,
  type KvpExchange,
  type KvpPool,
  type KvpSetting,
} from '../../kvp/index.js';
import { kvpPool, kvpRemoveRequest, kvpSetRequest } from '../../protocol/messages.js';

/** One request of the control API about the key-value exchange. */
export interface KvpCall {
  /** `GET /v1/kvp/host`, `POST /v1/kvp/set` … */
  readonly route: string;
  readonly body: () => Promise<unknown>;
  /** Why the VM is paused, while it is. */
  readonly stall: MobyvmError | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** @returns what to answer, or undefined when the route is not about the exchange */
export async function answerKvp(exchange: KvpExchange, call: KvpCall): Promise<unknown> {
  const pool = poolOf(call.route);
  if (pool !== undefined) return exchange.list(pool, call.signal);
  switch (call.route) {
    case 'POST /v1/kvp/set': {
      const item = kvpSetRequest.parse(await call.body());
      refuseReserved(item.name);
      // A VM that waits for disk space does not answer until it has some.
      if (call.stall !== undefined) throw call.stall;
      await refuseTooMany(exchange, item.name, call.signal);
      return { delivered: await keep(exchange, item, call.signal) };
    }
    case 'POST /v1/kvp/remove': {
      const { name } = kvpRemoveRequest.parse(await call.body());
      refuseReserved(name);
      await exchange.remove([name], call.signal);
      return {};
    }
    default:
      return undefined;
  }
}

async function keep(exchange: KvpExchange, item: KvpSetting, signal: AbortSignal): Promise<boolean> {
  if (exchange.keep !== undefined) return exchange.keep([item], signal);
  await exchange.set([item], signal);
  return true;
}

function poolOf(route: string): KvpPool | undefined {
  return kvpPool.safeParse(/^GET \/v1\/kvp\/([a-z]+)$/.exec(route)?.[1]).data;
}

function refuseReserved(name: string): void {
  if (!isReservedName(name)) return;
  throw new MobyvmError(
    'MOBYVM_KVP_LIMIT',
    `Names that begin with "${RESERVED_PREFIX}" are mobyvm's own.`,
    'Choose another name.',
  );
}

async function refuseTooMany(exchange: KvpExchange, name: string, signal: AbortSignal): Promise<void> {
  const { items } = await exchange.list('host', signal);
  if (items.some((item) => item.name === name)) return;
  if (items.filter((item) => !isReservedName(item.name)).length < MAX_HOST_ITEMS) return;
  throw new MobyvmError(
    'MOBYVM_KVP_LIMIT',
    `There are ${MAX_HOST_ITEMS} items, which is the limit: each of them is sent to the guest after each boot.`,
    'Remove some with `mobyvm kvp remove`, or put several values into one item.',
  );
}
