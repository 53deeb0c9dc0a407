import type { Logger } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { ApiRules } from './api-rules.js';
import type { Dial, EngineAvailability, EngineState } from './availability.js';
import type { BoundedCounter } from './bounded-counter.js';
import type { EngineConnection, EnginePool } from './http/engine-pool.js';
import type { Patience } from './patience.js';
import type { ClientSide, Counters } from './http/exchange.js';
import type { MemoryBudget } from './http/memory-budget.js';
import {
  startFailedRefusal,
  startingRefusal,
  STOPPED,
  tooManyWaitingRefusal,
  unreachableRefusal,
  type Refusal,
} from './refusal.plan.js';
import type { Semaphore } from './semaphore.js';

/** What all connections of a gateway share, and the name of this one. */
export interface ConnectionContext {
  readonly availability: EngineAvailability;
  readonly pool: EnginePool;
  /** How long a request waits for an engine that is starting, over all steps of the start. */
  readonly patience: Patience;
  readonly dialMs: number;
  /**
   * From a head's first byte to its last; a client that sends nothing while there is no engine is closed
   * after it.
   */
  readonly headMs: number;
  /** Limits how many requests wait for a starting engine, and so the memory that their first bytes take. */
  readonly waiting: BoundedCounter;
  /** Limits what large heads and parsed bodies take, over all connections. */
  readonly memory: MemoryBudget;
  /** Limits requests and raw streams. */
  readonly semaphore: Semaphore;
  readonly rules: ApiRules | undefined;
  readonly logger: Logger;
  readonly connId: string;
  readonly onRefusal: (refusal: Refusal, connId: string) => void;
}

/** The client whose request is being served. */
export interface ServedClient extends ClientSide {
  readonly context: ConnectionContext;
  readonly counters: Counters;
  /** Aborted when the client is gone or was cut off. */
  readonly signal: AbortSignal;
  /** The engine connection of the current request. */
  engine: EngineConnection | undefined;
}

export type Reached =
  | { readonly kind: 'engine'; readonly engine: EngineConnection; readonly dial: Dial }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'gone' };

/** An idle connection to the engine, without waiting. That is all most requests need. */
export function takeIdle({ context }: ServedClient): Reached | undefined {
  const state = context.availability.current();
  if (state.kind !== 'ready') return undefined;
  const engine = context.pool.take(state.dial);
  return engine && { kind: 'engine', engine, dial: state.dial };
}

/**
 * A new connection to the engine, after waiting for an engine that is starting; or what to tell the client.
 * Never throws.
 */
export async function connectToEngine(client: ServedClient): Promise<Reached> {
  const { context, signal } = client;
  const { availability, patience } = context;
  const wait = patience.begin();
  for (;;) {
    if (signal.aborted) return { kind: 'gone' };
    const state = availability.current();
    if (state.kind === 'ready') {
      const reached = await tryDial(state.dial, client);
      // The machine may have gone down just now: then its own state is the better reason.
      if (reached.kind !== 'refusal' || availability.current().kind === 'ready') return reached;
    } else if (state.kind === 'starting' && wait.leftMs() > 0) {
      const refusal = await waitWhileStarting(client, state.step, wait.leftMs());
      if (refusal !== undefined) return { kind: 'refusal', refusal };
    } else {
      if (state.kind === 'starting') wait.lose();
      return { kind: 'refusal', refusal: refusalIn(state) };
    }
  }
}

/** What a client is told in a state without an engine. */
export function refusalIn(state: Exclude<EngineState, { kind: 'ready' }>): Refusal {
  switch (state.kind) {
    case 'starting':
      return startingRefusal(state.step);
    case 'failed':
      return startFailedRefusal(state.error);
    case 'stopped':
      return STOPPED;
  }
}

async function tryDial(dial: Dial, { context, signal }: ServedClient): Promise<Reached> {
  const { dialMs, pool } = context;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), dialMs);
  try {
    const engine = await pool.open(dial, AbortSignal.any([signal, deadline.signal]));
    return { kind: 'engine', engine, dial };
  } catch (error) {
    if (signal.aborted) return { kind: 'gone' };
    const timedOutAfterMs = deadline.signal.aborted ? dialMs : undefined;
    return { kind: 'refusal', refusal: refusalOf(error, timedOutAfterMs) };
  } finally {
    clearTimeout(timer);
  }
}

function refusalOf(error: unknown, timedOutAfterMs: number | undefined): Refusal {
  const remedy = 'See `mobyvm logs`, or restart the VM with `mobyvm restart`.';
  if (timedOutAfterMs !== undefined)
    return unreachableRefusal(`no answer within ${timedOutAfterMs / 1000} s.`, remedy);
  if (error instanceof MobyvmError) return unreachableRefusal(error.message, error.remedy);
  return unreachableRefusal(`${textOf(error)}.`, remedy);
}

/** Resolves when the state must be looked at again; to a refusal if this client must not wait. */
async function waitWhileStarting(
  { context, signal }: ServedClient,
  step: string,
  waitMs: number,
): Promise<Refusal | undefined> {
  const { availability, waiting } = context;
  if (!waiting.tryIncrement()) return tooManyWaitingRefusal(step, waiting.count);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), waitMs);
  try {
    await untilNotStarting(availability, AbortSignal.any([signal, deadline.signal]));
    return undefined;
  } finally {
    clearTimeout(timer);
    waiting.decrement();
  }
}

/** Resolves when the state is no longer `starting`, or the signal is aborted. */
function untilNotStarting(availability: EngineAvailability, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      unsubscribe();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const unsubscribe = availability.onChange(() => {
      if (availability.current().kind !== 'starting') done();
    });
    signal.addEventListener('abort', done);
    if (signal.aborted || availability.current().kind !== 'starting') done();
  });
}
