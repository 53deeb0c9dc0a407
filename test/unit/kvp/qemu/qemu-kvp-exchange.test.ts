import { describe, expect, it } from 'vitest';
import {
  applyConfiguration,
  QemuKvpExchange,
  type KvpItemStore,
  type KvpSetting,
  type QemuKvpOptions,
  type StoredItems,
} from '../../../../src/kvp/index.js';
import { FakeAgent } from '../../../support/kvp-fake/index.js';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { encodeGuestPresence } from '../../../../src/kvp/guest/guest-presence.codec.js';
import { SimulatedGuest, type GuestFault } from '../../../support/kvp-guest.js';
import { FAST_SOCKET, NEVER, until } from '../../../support/kvp-harness.js';

async function connected(
  options: Partial<QemuKvpOptions> = {},
): Promise<{ guest: SimulatedGuest; exchange: QemuKvpExchange } & AsyncDisposable> {
  const guest = await SimulatedGuest.listen();
  const exchange = new QemuKvpExchange({
    ...{ socketPath: guest.path, readySeconds: 5, socketTiming: FAST_SOCKET },
    ...options,
  });
  return {
    guest,
    exchange,
    async [Symbol.asyncDispose]() {
      await exchange.close();
      await guest[Symbol.asyncDispose]();
    },
  };
}

/** The fault once, at the request with this number. */
const once =
  (fault: GuestFault, at: number) =>
  (_request: unknown, index: number): GuestFault | undefined =>
    index === at ? fault : undefined;

const PRESENCE = { agent: 'test', bootId: '0f8fad5b-d9cb-469f-a165-70867728950e' };
const LATER = { agent: 'test', bootId: '1c4fad5b-d9cb-469f-a165-70867728950e' };

describe('the QEMU exchange', () => {
  it.each([
    'unknown-status',
    'garbage',
    'twice',
    'torn',
    'torn-and-gone',
    'gone',
    'silent',
    'unasked',
  ] as const)('continues over a new connection after a guest that was %s', async (fault) => {
    await using kvp = await connected();
    kvp.guest.fault = once(fault, 1);
    await kvp.exchange.set([{ name: 'a', value: '1' }], NEVER);
    await kvp.exchange.set([{ name: 'b', value: '2' }], NEVER);
    if (fault === 'unasked') await until('the late bytes', () => kvp.guest.connections > 0);
    await kvp.exchange.set([{ name: 'c', value: '3' }], NEVER);
    expect(kvp.guest.hostItems().map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(kvp.guest.violations).toEqual([]);
  });

  it.each(['unknown-status', 'garbage', 'twice', 'torn', 'torn-and-gone', 'gone', 'silent'] as const)(
    'fails in time with a guest that is always %s',
    async (fault) => {
      await using kvp = await connected();
      kvp.guest.fault = () => fault;
      await expect(kvp.exchange.list('guest', NEVER)).rejects.toMatchObject({ code: 'MOBYVM_KVP_FAILED' });
      expect(kvp.guest.violations).toEqual([]);
    },
  );

  it('omits items that are not text and reports how many', async () => {
    await using kvp = await connected();
    for (const name of ['a', 'b', 'c']) kvp.guest.setGuestItem(name, 'v');
    kvp.guest.fault = once('bad-text', 1);
    const { items, unreadable } = await kvp.exchange.list('guest', NEVER);
    expect(items.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(unreadable).toBe(1);
    expect(kvp.guest.connections).toBe(1);
  });

  it('reports at once that a stopped VM has no port', async () => {
    await using exchange = closing(new QemuKvpExchange({ socketPath: '/nonexistent/kvp.sock' }));
    await expect(exchange.set([{ name: 'a', value: '1' }], NEVER)).rejects.toMatchObject({
      code: 'MOBYVM_KVP_NOT_READY',
    });
    expect((await exchange.list('host', NEVER)).items).toEqual([]);
    await expect(exchange.list('guest', NEVER)).rejects.toMatchObject({
      code: 'MOBYVM_KVP_NOT_READY',
      message: 'The virtual machine is not running.',
      remedy: 'Start it with `mobyvm up`.',
    });
  });

  it('sends nothing while the answer to an aborted call is pending', async () => {
    await using kvp = await connected({ socketTiming: { ...FAST_SOCKET, answerMs: 300 } });
    kvp.guest.fault = once('silent', 0);
    const controller = new AbortController();
    const aborted = kvp.exchange.get('guest', 'a', controller.signal);
    const outcome = expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    await until('the request', () => kvp.guest.requests.length === 1);
    controller.abort();
    await outcome;
    await kvp.exchange.set([{ name: 'b', value: '2' }], NEVER);
    expect(kvp.guest.violations).toEqual([]);
    expect(kvp.guest.connections).toBe(2);
  });

  it.each([true, false])('leaves nothing of a removed item in the pool file, secret: %s', async (secret) => {
    await using kvp = await connected();
    const item = { name: 'password', value: `swordfish${'!'.repeat(900)}`, secret };
    await kvp.exchange.set([{ name: 'first', value: 'v' }, item], NEVER);
    await kvp.exchange.remove(['password'], NEVER);
    await kvp.exchange.set([{ name: 'next', value: 'v' }], NEVER);
    expect(Buffer.from(kvp.guest.hostPoolFile()).includes('swordfish')).toBe(false);
    expect(kvp.guest.hostItems()).toEqual([
      { name: 'first', value: 'v' },
      { name: 'next', value: 'v' },
    ]);
  });

  it('clears the tail of a longer value that a shorter one replaces', async () => {
    await using kvp = await connected();
    await kvp.exchange.set([{ name: 'long', value: 'x'.repeat(50) + 'tail' }], NEVER);
    await kvp.exchange.set([{ name: 'long', value: 'v' }], NEVER);
    expect(Buffer.from(kvp.guest.hostPoolFile()).includes('tail')).toBe(true);
  });

  it('sends its items again after a lost connection', async () => {
    await using kvp = await connected();
    await kvp.exchange.set([{ name: 'a', value: '1' }], NEVER);
    kvp.guest.dropConnections();
    kvp.guest.forget();
    await until('the connection to end', () => kvp.guest.connections === 1);
    await kvp.exchange.list('guest', NEVER);
    expect(kvp.guest.hostItems()).toEqual([{ name: 'a', value: '1' }]);
  });

  it('removes from a returning guest what could not be removed while it was away', async () => {
    await using kvp = await connected({ readySeconds: 0.3 });
    await kvp.exchange.set([{ name: 'token', value: 'x', secret: true }], NEVER);
    kvp.guest.isReady = false;
    await kvp.exchange.remove(['token'], NEVER);
    kvp.guest.isReady = true;
    expect((await kvp.exchange.list('host', NEVER)).items).toEqual([]);
    await kvp.exchange.list('guest', NEVER);
    expect(kvp.guest.hostItems()).toEqual([]);
  });

  it('detects a guest that rebooted between calls', async () => {
    await using kvp = await connected({ keepEveryMs: 5 });
    kvp.guest.setGuestItem('mobyvm.guest', encodeGuestPresence(PRESENCE));
    await kvp.exchange.set([{ name: 'a', value: '1' }], NEVER);
    const controller = new AbortController();
    const keeping = expect(kvp.exchange.keepItems(controller.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
    await until('a look', () => kvp.guest.requests.some(({ operation }) => operation === 'get'));
    kvp.guest.forget();
    kvp.guest.setGuestItem('mobyvm.guest', encodeGuestPresence(LATER));
    await until('the items', () => kvp.guest.hostItems().length === 1);
    controller.abort();
    await keeping;
  });

  it('keeps trying while the guest is away, and stops when closed', async () => {
    await using kvp = await connected({ keepEveryMs: 5 });
    kvp.guest.isReady = false;
    const keeping = expect(kvp.exchange.keepItems(NEVER)).rejects.toMatchObject({
      code: 'MOBYVM_KVP_FAILED',
    });
    await until('some looks', () => kvp.guest.requests.length > 2);
    kvp.guest.dropConnections();
    await until('a new connection', () => kvp.guest.connections > 1);
    await kvp.exchange.close();
    await keeping;
  });

  it('configures a guest whose daemon dies midway and comes back', async () => {
    await using kvp = await connected();
    new FakeAgent(kvp.guest, ['mobyvm.config'], () => ({ ok: true }));
    kvp.guest.fault = (_request, index) => {
      if (index === 3) kvp.guest.isReady = false;
      if (index === 5) kvp.guest.isReady = true;
      return undefined;
    };
    const configuration = { token: 'a'.repeat(32), daemonJson: `{"x": "${'y'.repeat(5_000)}"}` };
    await applyConfiguration(kvp.exchange, configuration, { signal: NEVER, timeoutSeconds: 10 });
    expect(kvp.guest.hostItems()).toEqual([]);
  });

  it('never asks for a pool that does not exist', async () => {
    await using kvp = await connected();
    for (const pool of ['host', 'guest', 'intrinsic'] as const) await kvp.exchange.list(pool, NEVER);
    await kvp.exchange.requests(NEVER);
    const pools = kvp.guest.requests.map((request) => ('pool' in request ? request.pool : -1));
    expect(new Set(pools)).toEqual(new Set([0, 1, 2]));
  });
});

function closing(exchange: QemuKvpExchange): QemuKvpExchange & AsyncDisposable {
  return Object.assign(exchange, { [Symbol.asyncDispose]: () => exchange.close() });
}

describe('stored items', () => {
  function memoryStore(items: readonly KvpSetting[] = []) {
    const state: { -readonly [Part in keyof StoredItems]: StoredItems[Part] } = { items, removals: [] };
    const store: KvpItemStore = {
      load: () => Promise.resolve({ ...state }),
      save: (stored) => Promise.resolve(void Object.assign(state, stored)),
    };
    return { state, store };
  }

  it('outlive the exchange that set them, and are sent to the guest by the next one', async () => {
    const { state, store } = memoryStore();
    {
      await using kvp = await connected({ store });
      await kvp.exchange.set(
        [
          { name: 'a', value: '1', secret: true },
          { name: 'b', value: '2' },
        ],
        NEVER,
      );
      await kvp.exchange.remove(['b'], NEVER);
    }
    expect(state.items).toEqual([{ name: 'a', value: '1', secret: true }]);
    await using kvp = await connected({ store });
    const { items } = await kvp.exchange.list('host', NEVER);
    expect(items).toEqual([{ name: 'a', value: '***', isSecret: true }]);
    await kvp.exchange.list('guest', NEVER);
    expect(kvp.guest.hostItems()).toEqual([{ name: 'a', value: '1' }]);
  });

  it('do not include requests to the guest, which contain secrets', async () => {
    const { state, store } = memoryStore();
    await using kvp = await connected({ store });
    await kvp.exchange.set(
      [
        { name: 'mobyvm.config#0', value: 'x' },
        { name: 'mobyvm.config', value: 'y' },
      ],
      NEVER,
    );
    await kvp.exchange.set([{ name: 'mine', value: 'z' }], NEVER);
    expect(state.items).toEqual([{ name: 'mine', value: 'z' }]);
  });

  it('are not overwritten if they cannot be read', async () => {
    const failure = new MobyvmError('MOBYVM_STATE_FILE', 'unreadable', '');
    const saved: unknown[] = [];
    const store: KvpItemStore = {
      load: () => Promise.reject(failure),
      save: (items) => Promise.resolve(void saved.push(items)),
    };
    await using kvp = await connected({ store });
    await expect(kvp.exchange.set([{ name: 'a', value: '1' }], NEVER)).rejects.toBe(failure);
    await expect(kvp.exchange.remove(['a'], NEVER)).rejects.toBe(failure);
    expect(saved).toEqual([]);
  });

  it('are listed and removed while the machine is off (WALinuxAgent#3276)', async () => {
    const { state, store } = memoryStore([
      { name: 'a', value: '1' },
      { name: 'b', value: '2', secret: true },
    ]);
    await using exchange = closing(new QemuKvpExchange({ socketPath: '/nonexistent/kvp.sock', store }));
    expect((await exchange.list('host', NEVER)).items.map(({ name, value }) => [name, value])).toEqual([
      ['a', '1'],
      ['b', '***'],
    ]);
    await exchange.remove(['a', 'never there'], NEVER);
    expect(state.items.map(({ name }) => name)).toEqual(['b']);
  });

  it('are refused at once when their disk is full, and what was there before stays', async () => {
    const full = new MobyvmError('MOBYVM_DISK_FULL', 'no space', '');
    const { store } = memoryStore();
    await using kvp = await connected({ store });
    await kvp.exchange.set([{ name: 'a', value: '1' }], NEVER);
    store.save = () => Promise.reject(full);
    const requests = kvp.guest.requests.length;
    const items = [
      { name: 'a', value: '2' },
      { name: 'b', value: '2' },
    ];
    await expect(kvp.exchange.set(items, NEVER)).rejects.toBe(full);
    expect(kvp.guest.requests).toHaveLength(requests);
    expect((await kvp.exchange.list('host', NEVER)).items).toMatchObject([{ name: 'a', value: '1' }]);
    await kvp.exchange.list('guest', NEVER);
    expect(kvp.guest.hostItems()).toEqual([{ name: 'a', value: '1' }]);
  });

  it('arrive when they are set while the guest boots', async () => {
    const { state, store } = memoryStore();
    await using kvp = await connected({ store });
    kvp.guest.isReady = false;
    const setting = kvp.exchange.set([{ name: 'early', value: '1' }], NEVER);
    await until('a request', () => kvp.guest.requestsUnready > 0);
    kvp.guest.isReady = true;
    await setting;
    expect(kvp.guest.hostItems()).toEqual([{ name: 'early', value: '1' }]);
    expect(state.items).toHaveLength(1);
  });

  it('are removed from the guest by the next exchange, if the one that should have is killed', async () => {
    const { state, store } = memoryStore();
    await using guest = await SimulatedGuest.listen();
    const options = { socketPath: guest.path, readySeconds: 5, socketTiming: FAST_SOCKET, store };
    const items = ['a', 'b'].map((name) => ({ name, value: 'v', secret: true }));
    {
      await using exchange = closing(new QemuKvpExchange(options));
      await exchange.set(items, NEVER);
      guest.isReady = false;
      await exchange.remove(['a'], NEVER);
    }
    expect(state).toEqual({ items: [items[1]], removals: [{ name: 'a', secret: true }] });
    guest.isReady = true;
    expect(guest.hostItems()).toHaveLength(2);
    await using exchange = closing(new QemuKvpExchange(options));
    await exchange.list('guest', NEVER);
    expect(guest.hostItems()).toEqual([{ name: 'b', value: 'v' }]);
    await until('the confirmation to be stored', () => state.removals.length === 0);
  });

  it('are stored at once while the guest boots, and arrive when it has', async () => {
    const { state, store } = memoryStore();
    await using kvp = await connected({ store });
    kvp.guest.isReady = false;
    // The configuration of the guest, which has its turn until the guest is ready.
    const configuring = kvp.exchange.set([{ name: 'mobyvm.config', value: 'x' }], NEVER);
    expect(await kvp.exchange.keep([{ name: 'early', value: '1' }], NEVER)).toBe(false);
    expect(state.items).toEqual([{ name: 'early', value: '1' }]);
    kvp.guest.isReady = true;
    await configuring;
    await kvp.exchange.list('guest', NEVER);
    expect(kvp.guest.hostItems()).toContainEqual({ name: 'early', value: '1' });
    expect(await kvp.exchange.keep([{ name: 'late', value: '2' }], NEVER)).toBe(true);
    expect(kvp.guest.hostItems()).toContainEqual({ name: 'late', value: '2' });
  });

  it('by hundreds hold up neither a request nor each other (microsoft/lisa#279)', async () => {
    const many = Array.from({ length: 400 }, (_, at) => ({ name: `item ${at}`, value: 'v' }));
    const { store } = memoryStore(many);
    await using kvp = await connected({ store, keepEveryMs: 5 });
    kvp.guest.setGuestItem('mobyvm.guest', encodeGuestPresence(PRESENCE));
    await kvp.exchange.set([{ name: 'mobyvm.time', value: 'now' }], NEVER);
    expect(kvp.guest.requests.length).toBeLessThan(100);
    expect((await kvp.exchange.list('host', NEVER)).items).toHaveLength(401);
    const controller = new AbortController();
    const keeping = expect(kvp.exchange.keepItems(controller.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
    await until('all items', () => kvp.guest.hostItems().length === 401);
    controller.abort();
    await keeping;
  });
});
