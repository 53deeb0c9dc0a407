import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial, EngineAvailability, EngineState } from './availability.js';
import type { EngineConnection, EnginePool } from './http/engine-pool.js';
import { startFailed, starting, STOPPED, tooManyWaiting, unreachable, type Refusal } from './refusal.plan.js';

export interface Reaching {
  readonly availability: EngineAvailability;
  readonly pool: EnginePool;
  /** How long a request waits for an engine that is starting, over all steps of the start. */
  readonly waitMs: number;
  readonly dialMs: number;
  /** Aborted when the client is gone or cut. */
  readonly signal: AbortSignal;
  readonly waitingRoom: WaitingRoom;
}

/** Bounds how many connections wait, and with them the memory that their first bytes take. */
export interface WaitingRoom {
  readonly taken: number;
  /** False when it is full; what entered must leave. */
  enter(): boolean;
  leave(): void;
}

export type Reached =
  | { readonly kind: 'engine'; readonly engine: EngineConnection; readonly dial: Dial }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'gone' };

/** A new connection to the engine, after waiting for it if it is starting; or what to tell the client. Never throws. */
export async function reachEngine(reaching: Reaching): Promise<Reached> {
  const { availability, signal } = reaching;
  const leftMs = countdown(reaching.waitMs);
  for (;;) {
    if (signal.aborted) return { kind: 'gone' };
    const state = availability.current();
    if (state.kind === 'ready') {
      const reached = await tryDial(state.dial, reaching);
      // The machine may have gone down just now: then its own state is the better reason.
      if (reached.kind !== 'refusal' || availability.current().kind === 'ready') return reached;
    } else if (state.kind === 'starting' && leftMs() > 0) {
      const refusal = await waitWhileStarting(reaching, leftMs());
      if (refusal !== undefined) return { kind: 'refusal', refusal };
    } else return { kind: 'refusal', refusal: refusalIn(state) };
  }
}

/** What a client is told in a state in which there is no engine. */
export function refusalIn(state: Exclude<EngineState, { kind: 'ready' }>): Refusal {
  switch (state.kind) {
    case 'starting':
      return starting(state.step);
    case 'failed':
      return startFailed(state.error);
    case 'stopped':
      return STOPPED;
  }
}

/** Milliseconds that are left. */
function countdown(ms: number): () => number {
  const endsAt = performance.now() + ms;
  return () => endsAt - performance.now();
}

async function tryDial(dial: Dial, { signal, dialMs, pool }: Reaching): Promise<Reached> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), dialMs);
  try {
    const engine = await pool.open(dial, AbortSignal.any([signal, deadline.signal]));
    return { kind: 'engine', engine, dial };
  } catch (error) {
    if (signal.aborted) return { kind: 'gone' };
    return {
      kind: 'refusal',
      refusal: unreachableBecause(error, deadline.signal.aborted ? dialMs : undefined),
    };
  } finally {
    clearTimeout(timer);
  }
}

function unreachableBecause(error: unknown, timedOutAfterMs: number | undefined): Refusal {
  const remedy = 'Look into `mobyvm logs`; `mobyvm restart` starts the VM anew.';
  if (timedOutAfterMs !== undefined)
    return unreachable(`no answer within ${timedOutAfterMs / 1000} s.`, remedy);
  if (error instanceof MobyvmError) return unreachable(error.message, error.remedy);
  return unreachable(`${textOf(error)}.`, remedy);
}

/** Resolves when the state must be looked at again; with a refusal when this client is not to wait any longer. */
async function waitWhileStarting(
  { availability, signal, waitingRoom }: Reaching,
  waitMs: number,
): Promise<Refusal | undefined> {
  const before = availability.current();
  const step = before.kind === 'starting' ? before.step : before.kind;
  if (!waitingRoom.enter()) return tooManyWaiting(step, waitingRoom.taken);
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), waitMs);
  try {
    await leftStarting(availability, AbortSignal.any([signal, over.signal]));
    return undefined;
  } finally {
    clearTimeout(timer);
    waitingRoom.leave();
  }
}

/** Resolves when the state is no longer `starting`, or the signal is aborted. */
function leftStarting(availability: EngineAvailability, signal: AbortSignal): Promise<void> {
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
