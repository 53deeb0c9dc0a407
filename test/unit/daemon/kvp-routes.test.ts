import { describe, expect, test } from 'vitest';
import { answerKvp, type KvpCall } from '../../../src/daemon/control/kvp-routes.js';
import { MAX_HOST_ITEMS } from '../../../src/kvp/index.js';
import { stalledError } from '../../../src/vm/index.js';
import { FakeKvp } from '../../support/kvp-fake/index.js';

function call(route: string, body: unknown): KvpCall {
  const { signal } = new AbortController();
  return { route, body: () => Promise.resolve(body), stall: undefined, signal };
}

const setting = (name: string) => call('POST /v1/kvp/set', { name, value: 'v', secret: false });

describe('setting an item', () => {
  test('is refused at once while the VM waits for disk space', async () => {
    const exchange = new FakeKvp();
    exchange.isReady = false;
    const stall = stalledError({ folder: '/var/lib/mobyvm', freeBytes: 0 });
    await expect(answerKvp(exchange, { ...setting('a'), stall })).rejects.toBe(stall);
  });

  test('is refused beyond the limit, and replacing one is not (microsoft/lisa#279)', async () => {
    const exchange = new FakeKvp();
    const { signal } = new AbortController();
    const items = Array.from({ length: MAX_HOST_ITEMS }, (_, at) => ({ name: `item ${at}`, value: '' }));
    await exchange.set([...items, { name: 'mobyvm.config', value: '' }], signal);
    await expect(answerKvp(exchange, setting('one more'))).rejects.toMatchObject({
      code: 'MOBYVM_KVP_LIMIT',
      message: expect.stringContaining(`There are ${MAX_HOST_ITEMS} items`) as string,
    });
    await answerKvp(exchange, setting('item 7'));
    await answerKvp(exchange, call('POST /v1/kvp/remove', { name: 'item 7' }));
    await answerKvp(exchange, setting('one more'));
  });
});
