import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { GuestClock } from '../../../../src/daemon/guest/guest-clock.js';
import { decodeTimeRequest, encodeTimeAnswer } from '../../../../src/kvp/index.js';
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
