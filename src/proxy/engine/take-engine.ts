import type { ServedClient } from './served-client.js';
import { reachEngine, type Reached } from './reach-engine.js';

/** A kept connection, without a wait; most requests need no more. */
export function takeIdle(client: ServedClient, isFresh: boolean): Reached | undefined {
  const state = client.context.availability.current();
  if (isFresh || state.kind !== 'ready') return undefined;
  const engine = client.context.pool.take(state.dial);
  return engine && { kind: 'engine', engine, dial: state.dial };
}

/** A connection to the engine, kept or new; or what to tell the client. */
export async function takeEngine(
  client: ServedClient,
  { isFresh }: { readonly isFresh: boolean },
): Promise<Reached> {
  const { context, signal } = client;
  return takeIdle(client, isFresh) ?? reachEngine({ ...context, waitMs: context.waitMs(), signal });
}
