import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { GuestClock } from '../../../../src/daemon/guest/guest-clock.js';
import { decodeClockRequest, decodeTimeRequest, encodeTimeAnswer } from '../../../../src/kvp/index.js';
import { FakeAgent, FakeKvp, type AgentAnswer } from '../../../support/kvp-fake/index.js';

const NOW_MS = 1_800_000_000_500;
const signal = new AbortController().signal;
const stepped: AgentAnswer = {
  ok: true,
  text: encodeTimeAnswer({ offsetMs: -3_600_000, action: 'stepped' }),
};

function clockWith(answer: AgentAnswer | undefined) {
  const exchange = new FakeKvp({ readySeconds: 0.2 });
  const times: number[] = [];
  const agent = new FakeAgent(exchange, ['mobyvm.time'], (_name, body) => {
    times.push(decodeTimeRequest(body).timeMs);
    return answer;
  });
  const world = { monotonicMs: 0 };
  const clock = new GuestClock({
    exchange,
    nowMs: () => NOW_MS,
    logger: silentLogger,
    monotonicMs: () => world.monotonicMs,
    timeoutSeconds: 0.5,
  });
  return { clock, exchange, agent, times, world };
}

test('a start sends the time, and returns what the guest did', async () => {
  const { clock, exchange, times } = clockWith(stepped);
  expect(await clock.sync({ reason: 'started' }, signal)).toEqual({
    offsetMs: -3_600_000,
    action: 'stepped',
  });
  expect(times).toEqual([NOW_MS]);
  expect(exchange.hostItems()).toEqual([]);
});

test('an engine whose clock is off is corrected, at most every 30 s', async () => {
  const { clock, times, world } = clockWith(stepped);
  const check = () => clock.sync({ reason: 'checked', engineOffsetMs: 3_600_000 }, signal);
  expect(await check()).toBeDefined();
  expect(await check()).toBeUndefined();
  world.monotonicMs = 30_000;
  expect(await check()).toBeDefined();
  expect(times).toHaveLength(2);
});

test('a check of an engine with the right time sends nothing', async () => {
  const { clock, times } = clockWith(stepped);
  expect(await clock.sync({ reason: 'checked', engineOffsetMs: 900 }, signal)).toBeUndefined();
  expect(times).toEqual([]);
});

test.each<[string, AgentAnswer | undefined]>([
  ['refuses', { ok: false, code: 'time', text: 'before this image was built' }],
  ['gives an invalid answer', { ok: true, text: 'fine' }],
  ['does not answer', undefined],
])('a guest that %s at its start is asked again by a later check', async (_what, answer) => {
  const { clock, exchange, times, world } = clockWith(answer);
  expect(await clock.sync({ reason: 'started' }, signal)).toBeUndefined();
  expect(exchange.hostItems()).toEqual([]);
  world.monotonicMs = 30_000;
  await clock.sync({ reason: 'checked', engineOffsetMs: 0 }, signal);
  expect(times).toHaveLength(2);
});

test('calls during a request send nothing, but a resume is handled afterwards', async () => {
  const { clock, times, world } = clockWith(stepped);
  const first = clock.sync({ reason: 'started' }, signal);
  expect(await clock.sync({ reason: 'resumed' }, signal)).toBeUndefined();
  expect(await first).toBeDefined();
  world.monotonicMs = 30_000;
  expect(await clock.sync({ reason: 'checked', engineOffsetMs: 0 }, signal)).toBeDefined();
  expect(times).toHaveLength(2);
});

test('an agent that is older than the request is not asked', async () => {
  const { clock, exchange, times } = clockWith(stepped);
  exchange.setGuestItem('mobyvm.guest', '1 0f8fad5b-d9cb-469f-a165-70867728950e mobyvm-agent-1');
  expect(await clock.sync({ reason: 'started' }, signal)).toBeUndefined();
  expect(times).toEqual([]);
});

test('an aborted request throws nothing and leaves nothing in the pool', async () => {
  const { clock, exchange } = clockWith(stepped);
  expect(await clock.sync({ reason: 'started' }, AbortSignal.abort())).toBeUndefined();
  expect(exchange.hostItems()).toEqual([]);
});

describe('to the last fraction of a second', () => {
  /** A guest whose clock is ahead; `disturbed` measurements are by 300 ms too much. */
  function guestThatIs(aheadMs: number, { disturbed = 0, writeMs = 0 } = {}) {
    const exchange = new FakeKvp({ readySeconds: 0.2 });
    const guest = { aheadMs, corrections: [] as number[], measurements: 0 };
    let nowMs = NOW_MS;
    const act = (name: string, body: Uint8Array): AgentAnswer => {
      if (name === 'mobyvm.time')
        return { ok: true, text: encodeTimeAnswer({ offsetMs: 0, action: 'kept' }) };
      const { adjustMs } = decodeClockRequest(body);
      const disturbance = guest.measurements < disturbed ? 300 : 0;
      guest.measurements += 1;
      const text = String(nowMs + guest.aheadMs + disturbance);
      if (adjustMs !== undefined) {
        guest.corrections.push(adjustMs);
        guest.aheadMs += adjustMs;
      }
      return { ok: true, text };
    };
    new FakeAgent(exchange, ['mobyvm.time', 'mobyvm.clock'], act);
    exchange.setGuestItem('mobyvm.guest', '1 0f8fad5b-d9cb-469f-a165-70867728950e mobyvm-agent-5');
    const clock = new GuestClock({
      exchange,
      nowMs: () => (nowMs += writeMs),
      logger: silentLogger,
      timeoutSeconds: 2,
    });
    return { clock, exchange, guest };
  }

  test('a guest that is off by a fraction of a second is corrected once', async () => {
    const { clock, exchange, guest } = guestThatIs(-700);
    await clock.sync({ reason: 'resumed' }, signal);
    await clock.refined;
    expect(guest).toMatchObject({ aheadMs: 0, corrections: [700] });
    expect(exchange.hostItems()).toEqual([]);
  });

  test('a guest that is right is measured and left alone', async () => {
    const { clock, guest } = guestThatIs(30);
    await clock.sync({ reason: 'started' }, signal);
    await clock.refined;
    expect(guest).toMatchObject({ aheadMs: 30, corrections: [], measurements: 1 });
  });

  test('a correction by a disturbed measurement is taken back', async () => {
    const { clock, guest } = guestThatIs(0, { disturbed: 1 });
    await clock.sync({ reason: 'started' }, signal);
    await clock.refined;
    expect(guest).toMatchObject({ aheadMs: 0, corrections: [-300, 300] });
  });

  test('nothing is done while the host is too slow to measure', async () => {
    const { clock, guest } = guestThatIs(700, { writeMs: 600 });
    await clock.sync({ reason: 'started' }, signal);
    await clock.refined;
    expect(guest.corrections).toEqual([]);
  });
});
