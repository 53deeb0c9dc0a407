import { createConnection, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sleep, waitFor } from '../../src/core/host/index.js';
import { parseMac } from '../../src/core/values/index.js';
import {
  applyConfiguration,
  guestPresence,
  measureGuestClock,
  QemuKvpExchange,
  syncGuestTime,
} from '../../src/kvp/index.js';
import { HvStatus } from '../../src/kvp/wire/hv-status.js';
import { KVP_MESSAGE_BYTES } from '../../src/kvp/wire/kvp-frame.js';
import { decodeKvpStatus, encodeKvpRequest, Pool } from '../../src/kvp/wire/kvp-message.codec.js';
import { QemuHarness } from '../support/vm/qemu-harness.js';
import { recordingContext } from '../support/vm/vm-harness.js';

/** The device that stands in Hyper-V's place and the unmodified daemon behind it, spoken to without our daemon. */
const ISO = resolve(process.env['MOBYVM_TEST_IMAGE_DIR'] ?? 'build/guest/debian', 'mobyvm.iso');
const never = new AbortController().signal;
let vm: QemuHarness;

beforeAll(async () => {
  vm = await QemuHarness.create({ isoPath: ISO, memoryMiB: 2_048, cpus: 2, awaitsConfiguration: true });
  await vm.driver.define(vm.spec, recordingContext());
  await vm.driver.start(recordingContext());
  await withExchange((kvp) => guestPresence(kvp, { timeoutSeconds: 240 }, never));
});
afterAll(() => vm[Symbol.asyncDispose]());

async function withExchange<T>(work: (kvp: QemuKvpExchange) => Promise<T>): Promise<T> {
  const kvp = new QemuKvpExchange({ socketPath: vm.driver.kvpSocketPath, readySeconds: 240 });
  try {
    return await work(kvp);
  } finally {
    await kvp.close();
  }
}

describe('the exchange', () => {
  test('carries 128 items of 1 KB to the guest and back', async () => {
    await withExchange(async (kvp) => {
      const items = Array.from({ length: 128 }, (_, index) => ({
        name: `item ${index}`,
        value: `${index} `.padEnd(1_000, 'x'),
      }));
      await kvp.set(items, never);
      const { items: listed } = await kvp.list('host', never);
      expect(listed).toHaveLength(128);
      expect(listed.find(({ name }) => name === 'item 77')?.value).toBe(items[77]?.value);
      await kvp.remove(
        items.map(({ name }) => name),
        never,
      );
      expect((await kvp.list('host', never)).items).toEqual([]);
    });
  });

  test('carries texts of all kinds', async () => {
    await withExchange(async (kvp) => {
      const odd = { 'üml €': 'a\nb\t😀', empty: '', long: 'ü'.repeat(1_000) };
      await kvp.set(
        Object.entries(odd).map(([name, value]) => ({ name, value })),
        never,
      );
      const { items } = await kvp.list('host', never);
      expect(Object.fromEntries(items.map(({ name, value }) => [name, value]))).toEqual(odd);
      await kvp.remove(Object.keys(odd), never);
    });
  });

  test('reports the addresses of the guest’s adapter, and nothing for a missing adapter', async () => {
    await withExchange(async (kvp) => {
      const info = await kvp.ipInfo(vm.spec.network.mac, never);
      expect(info).toMatchObject({ addressFamily: expect.any(Number) as number });
      expect(await kvp.ipInfo(parseMac('02:00:0a:00:4b:99'), never)).toBeUndefined();
    });
  });

  test('reports why the guest refuses a configuration, and leaves nothing in the pool', async () => {
    await withExchange(async (kvp) => {
      await expect(
        applyConfiguration(kvp, { daemonJson: '{"hosts": []}' }, { signal: never, timeoutSeconds: 120 }),
      ).rejects.toMatchObject({
        code: 'MOBYVM_GUEST_CONFIGURATION',
        message: expect.stringContaining('hosts') as string,
      });
      expect((await kvp.list('host', never)).items).toEqual([]);
    });
  });
});

test('the host does not step a clock that the guest keeps by its RTC', async () => {
  const ask = (kvp: QemuKvpExchange, aheadMs = 0) =>
    syncGuestTime(kvp, { nowMs: () => Date.now() + aheadMs, timeoutSeconds: 60, signal: never });
  await withExchange(async (kvp) => {
    await waitFor(
      {
        title: "the guest's clock service",
        timeoutSeconds: 120,
        hint: '',
        check: async () => (await ask(kvp))?.action === 'rtc',
      },
      never,
    );
    const answer = await ask(kvp, 3_600_000);
    expect(answer?.action).toBe('rtc');
    expect(answer?.offsetMs).toBeLessThan(-3_500_000);
    expect(Math.abs((await ask(kvp))?.offsetMs ?? Number.NaN)).toBeLessThan(60_000);
  });
});

test('a clock that is off by a fraction of a second is measured and moved', async () => {
  const measure = async (kvp: QemuKvpExchange, adjustMs?: number) => {
    const options = { nowMs: Date.now, timeoutSeconds: 60, signal: never, adjustMs };
    const measured = await measureGuestClock(kvp, options);
    expect(measured).toBeDefined();
    return measured!;
  };
  // File times advance with the guest's timer, by up to 10 ms.
  const TICK_MS = 20;
  await withExchange(async (kvp) => {
    const before = await measure(kvp);
    await measure(kvp, 1_500);
    const after = await measure(kvp);
    const margin = before.uncertaintyMs + after.uncertaintyMs + TICK_MS;
    expect(Math.abs(after.offsetMs - before.offsetMs - 1_500)).toBeLessThanOrEqual(margin);
    await measure(kvp, -1_500);
    const back = await measure(kvp);
    expect(Math.abs(back.offsetMs - before.offsetMs)).toBeLessThanOrEqual(
      before.uncertaintyMs + back.uncertaintyMs + TICK_MS,
    );
  });
});

describe('the device', () => {
  const get = (key: string): Uint8Array => encodeKvpRequest({ operation: 'get', pool: Pool.external, key });

  test('answers two simultaneous requests one after another', async () => {
    const socket = await connected();
    socket.write(Buffer.concat([get('one'), get('two')]));
    const answers = await received(socket, 2);
    expect(answers.map(decodeKvpStatus)).toEqual([HvStatus.noMoreItems, HvStatus.noMoreItems]);
    socket.destroy();
  });

  test('drops a request that its sender left incomplete', async () => {
    const torn = await connected();
    torn.write(get('torn').subarray(0, 3_000));
    await sleep(50);
    torn.destroy();
    await withExchange(async (kvp) => {
      await kvp.set([{ name: 'after', value: 'the torn one' }], never);
      expect((await kvp.list('host', never)).items).toMatchObject([{ name: 'after', value: 'the torn one' }]);
      await kvp.remove(['after'], never);
    });
  });

  test('does not pass a request to the daemon that would crash it', async () => {
    const socket = await connected();
    const poison = encodeKvpRequest({ operation: 'enumerate', pool: 4, index: 0 });
    poison[1] = 5;
    socket.write(poison);
    const [answer] = await received(socket, 1);
    expect(decodeKvpStatus(answer ?? new Uint8Array())).toBe(HvStatus.fail);
    socket.write(get('alive'));
    const [next] = await received(socket, 1);
    expect(decodeKvpStatus(next ?? new Uint8Array())).toBe(HvStatus.noMoreItems);
    socket.destroy();
  });
});

/** A connection that has been quiet for as long as the device needs to be in step. */
async function connected(): Promise<Socket> {
  // QEMU serves one client: a connection that has just ended may still hold the place.
  let socket: Socket | undefined;
  await waitFor(
    {
      title: 'the port',
      timeoutSeconds: 120,
      hint: '',
      check: () =>
        new Promise((done) => {
          const attempt = createConnection({ path: vm.driver.kvpSocketPath });
          attempt.once('connect', () => {
            socket = attempt;
            done(true);
          });
          attempt.once('error', () => done(false));
        }),
    },
    never,
  );
  await sleep(1_500);
  return socket!;
}

async function received(socket: Socket, count: number): Promise<readonly Uint8Array[]> {
  let bytes = Buffer.alloc(0);
  const collect = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
  };
  socket.on('data', collect);
  await waitFor(
    {
      title: `${count} answers`,
      timeoutSeconds: 180,
      hint: '',
      everyMs: 20,
      check: () => Promise.resolve(bytes.length >= count * KVP_MESSAGE_BYTES),
    },
    never,
  );
  socket.off('data', collect);
  return Array.from({ length: count }, (_, at) =>
    Uint8Array.from(bytes.subarray(at * KVP_MESSAGE_BYTES, (at + 1) * KVP_MESSAGE_BYTES)),
  );
}
