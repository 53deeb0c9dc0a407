import { MobyvmError } from '../../core/values/index.js';
import {
  isReservedName,
  MAX_HOST_ITEMS,
  RESERVED_PREFIX,
  type KvpExchange,
  type KvpSetting,
} from '../../kvp/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import { endpoint, type Endpoint } from './endpoint.js';

export interface KvpAccess {
  readonly kvp: KvpExchange;
  /** Why the VM is paused, while it is. */
  readonly stall: MobyvmError | undefined;
}

/** What is asked about the key-value exchange. */
export function kvpEndpoints(access: KvpAccess): readonly Endpoint[] {
  const { kvp: exchange } = access;
  return [
    endpoint(ROUTES.kvp, async ({ params: { pool }, signal }) => {
      const { items, unreadable } = await exchange.list(pool, signal);
      return { items: [...items], unreadable };
    }),
    endpoint(ROUTES.setKvp, async ({ body: item, signal }) => {
      refuseReserved(item.name);
      // A VM that waits for disk space does not answer until it has some.
      if (access.stall !== undefined) throw access.stall;
      await refuseTooMany(exchange, item.name, signal);
      return { delivered: await keep(exchange, item, signal) };
    }),
    endpoint(ROUTES.removeKvp, async ({ body: { name }, signal }) => {
      refuseReserved(name);
      await exchange.remove([name], signal);
      return {};
    }),
  ];
}

async function keep(exchange: KvpExchange, item: KvpSetting, signal: AbortSignal): Promise<boolean> {
  if (exchange.keep !== undefined) return exchange.keep([item], signal);
  await exchange.set([item], signal);
  return true;
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
