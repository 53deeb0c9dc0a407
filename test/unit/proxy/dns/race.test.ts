import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AskResult } from '../../../../src/proxy/dns/ask-upstream.js';
import { Cancellation } from '../../../../src/proxy/dns/cancellation.js';
import { decodeMessage, type DnsMessage } from '../../../../src/proxy/dns/message.codec.js';
import { race } from '../../../../src/proxy/dns/race.js';
import { DEFAULT_PATIENCE } from '../../../../src/proxy/dns/resolver-source.js';
import { planAttempts } from '../../../../src/proxy/dns/upstreams.plan.js';
import { answerBytes, queryFor } from '../../../support/dns-message.js';

const WITHIN_MS = 10_000;
const query = queryFor('a.example');
const good = decodeMessage(answerBytes(query, []));
const notThere = decodeMessage(answerBytes(query, [], { rcode: 3 }));
const broken = decodeMessage(answerBytes(query, [], { rcode: 2 }));
const refused = decodeMessage(answerBytes(query, [], { rcode: 5 }));

/** Each server answers or fails after so many milliseconds; an undefined one never answers. */
type Behaviour = { readonly afterMs: number; readonly gives: DnsMessage | 'failure' } | undefined;

interface Played {
  readonly answer: DnsMessage | undefined;
  readonly endedMs: number;
  /** "time server what", in order. */
  readonly events: readonly string[];
}

async function play(
  servers: Readonly<Record<string, Behaviour>>,
  cancellation = new Cancellation(),
): Promise<Played> {
  const events: string[] = [];
  const begunMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - begunMs);
  const order = Object.keys(servers).map((address) => ({ address, port: 53 }));
  const racing = race({
    attempts: planAttempts(order, DEFAULT_PATIENCE, () => false).filter(
      ({ transport }) => transport === 'udp',
    ),
    withinMs: WITHIN_MS,
    ask: ({ endpoint }, cancel) => behave(servers[endpoint.address], cancel),
    report: ({ endpoint }, { kind }) => events.push(`${sinceMs()} ${endpoint.address} ${kind}`),
    cancellation,
  }).then((won) => ({ answer: won?.answer, endedMs: sinceMs(), events }));
  await vi.advanceTimersByTimeAsync(2 * WITHIN_MS);
  return racing;
}

function behave(behaviour: Behaviour, cancellation: Cancellation): Promise<AskResult> {
  return new Promise((resolve) => {
    cancellation.add(() => resolve({ kind: 'failed', reason: 'aborted' }));
    if (behaviour === undefined) return;
    const { afterMs, gives } = behaviour;
    const result: AskResult =
      gives === 'failure' ? { kind: 'failed', reason: 'no' } : { kind: 'answer', answer: gives };
    setTimeout(() => resolve(result), afterMs);
  });
}

describe('asking several upstreams', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('does not ask the second if the first answers at once', async () => {
    const { answer, events } = await play({ a: { afterMs: 20, gives: good }, b: undefined });
    expect(answer).toBe(good);
    expect(events).toEqual(['0 a started', '20 a answered']);
  });

  it('accepts NXDOMAIN as an answer', async () => {
    const played = await play({ a: { afterMs: 20, gives: notThere }, b: { afterMs: 1, gives: good } });
    expect(played.answer).toBe(notThere);
  });

  it('asks the second after 300 ms of silence, which counts as a failure of the first', async () => {
    const played = await play({ a: undefined, b: { afterMs: 10, gives: good } });
    expect(played).toMatchObject({ answer: good, endedMs: 310 });
    expect(played.events).toEqual(['0 a started', '300 b started', '310 b answered', '310 a failed']);
  });

  it('accepts a late answer of the first', async () => {
    const played = await play({ a: { afterMs: 700, gives: good }, b: undefined });
    expect(played).toMatchObject({ answer: good, endedMs: 700 });
  });

  it('asks the next at once after a failure, SERVFAIL or REFUSED', async () => {
    for (const gives of ['failure', broken, refused] as const) {
      const played = await play({ a: { afterMs: 5, gives }, b: { afterMs: 5, gives: good } });
      expect(played).toMatchObject({ answer: good, endedMs: 10 });
    }
  });

  it('returns the first error if no server has a better answer', async () => {
    const played = await play({ a: { afterMs: 5, gives: refused }, b: { afterMs: 5, gives: broken } });
    expect(played).toMatchObject({ answer: refused, endedMs: 10 });
  });

  it('ends at once if all servers have failed', async () => {
    const failing: Behaviour = { afterMs: 1, gives: 'failure' };
    expect(await play({ a: failing, b: failing, c: failing })).toMatchObject({
      answer: undefined,
      endedMs: 3,
    });
  });

  it('asks a silent server again after 900 ms, since the packet may have been lost', async () => {
    const played = await play({ a: undefined });
    expect(played.events).toEqual(['0 a started', '900 a started', '10000 a failed', '10000 a failed']);
  });

  it('does not ask a server again that answered with an error', async () => {
    const played = await play({ a: { afterMs: 5, gives: broken }, b: undefined });
    expect(played.events.filter((event) => event.endsWith('started'))).toEqual([
      '0 a started',
      '5 b started',
      '1200 b started',
    ]);
    expect(played).toMatchObject({ answer: broken, endedMs: 10_000 });
  });

  // https://github.com/containers/aardvark-dns/issues/514
  it('waits for a slow server as the system would', async () => {
    const played = await play({ a: { afterMs: 4_900, gives: good }, b: undefined });
    expect(played).toMatchObject({ answer: good, endedMs: 4_900 });
  });

  it('gives up in the end', async () => {
    expect(await play({ a: undefined, b: undefined })).toMatchObject({ answer: undefined, endedMs: 10_000 });
  });

  it('ends when cancelled, before or while asking, without recording failures', async () => {
    const cancelled = new Cancellation();
    cancelled.cancel();
    expect((await play({ a: undefined }, cancelled)).events).toEqual([]);
    const later = new Cancellation();
    setTimeout(() => later.cancel(), 500);
    const played = await play({ a: undefined }, later);
    expect(played).toMatchObject({ answer: undefined, endedMs: 500, events: ['0 a started'] });
  });
});
