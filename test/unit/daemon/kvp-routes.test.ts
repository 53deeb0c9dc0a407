import { describe, expect, test } from 'vitest';
import { endpointFor } from '../../../src/daemon/control/endpoint.js';
import { kvpEndpoints, type KvpAccess } from '../../../src/daemon/control/kvp-routes.js';
import { MAX_HOST_ITEMS } from '../../../src/kvp/index.js';
import { stalledError } from '../../../src/vm/index.js';
import { FakeKvp } from '../../support/kvp-fake/index.js';

function post(access: KvpAccess, path: string, body: unknown): Promise<unknown> {
  const { found, params } = endpointFor(kvpEndpoints(access), 'POST', path);
  const { signal } = new AbortController();
  return found.answer({ params, body: () => Promise.resolve(body), signal });
}

function set(exchange: FakeKvp, name: string, stall?: KvpAccess['stall']): Promise<unknown> {
  return post({ kvp: exchange, stall }, '/v1/kvp/set', { name, value: 'v', secret: false });
}

describe('setting an item', () => {
  test('is refused at once while the VM waits for disk space', async () => {
    const exchange = new FakeKvp();
    exchange.isReady = false;
    const stall = stalledError({ folder: '/var/lib/mobyvm', freeBytes: 0 });
    await expect(set(exchange, 'a', stall)).rejects.toBe(stall);
  });

  test('is refused beyond the limit, and replacing one is not (microsoft/lisa#279)', async () => {
    const exchange = new FakeKvp();
    const { signal } = new AbortController();
    const items = Array.from({ length: MAX_HOST_ITEMS }, (_, at) => ({ name: `item ${at}`, value: '' }));
    await exchange.set([...items, { name: 'mobyvm.config', value: '' }], signal);
    await expect(set(exchange, 'one more')).rejects.toMatchObject({
      code: 'MOBYVM_KVP_LIMIT',
      message: expect.stringContaining(`There are ${MAX_HOST_ITEMS} items`) as string,
    });
    await set(exchange, 'item 7');
    await post({ kvp: exchange, stall: undefined }, '/v1/kvp/remove', { name: 'item 7' });
    await set(exchange, 'one more');
  });
});
