import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../src/core/host/index.js';
import { followUplinkMtu } from '../../../src/daemon/host-side/uplink-mtu.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the VM's MTU is the lower of the setting and what the uplinks carry, as that changes", async () => {
  let carried: number | undefined = 1500;
  const mtu = await followUplinkMtu(() => Promise.resolve(carried), silentLogger);
  expect([mtu.atMost(1500), mtu.atMost(1400), mtu.atMost(9000)]).toEqual([1500, 1400, 1500]);
  carried = 1380;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(mtu.atMost(1500)).toBe(1380);
  carried = undefined;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(mtu.atMost(1500)).toBe(1500);
  carried = 100;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(mtu.atMost(1500)).toBe(576);
  mtu.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('the last reading counts while the uplinks cannot be read', async () => {
  let isBroken = false;
  const read = (): Promise<number> => (isBroken ? Promise.reject(new Error('no ip')) : Promise.resolve(1400));
  const mtu = await followUplinkMtu(read, silentLogger);
  isBroken = true;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(mtu.atMost(1500)).toBe(1400);
  mtu.close();
});

test('only the setting counts where nobody knows the uplinks', async () => {
  const mtu = await followUplinkMtu(undefined, silentLogger);
  expect(mtu.atMost(1480)).toBe(1480);
  mtu.close();
});
