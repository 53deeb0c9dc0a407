import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { Dial } from './availability.js';

const FILTERS = JSON.stringify({ type: ['container'], event: ['start', 'die'] });
const PATH = `/events?filters=${encodeURIComponent(FILTERS)}`;

export interface FollowOptions {
  readonly dial: Dial;
  /** The engine said that a container started or ended. What it said is not looked at: ask for the list. */
  readonly onChange: () => void;
  readonly signal: AbortSignal;
}

/**
 * Follows the engine's events: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/System/operation/SystemEvents.
 * Calls back once when it has begun, and resolves when the engine ends it.
 * @throws what the dial throws, or the signal's reason
 */
export async function followContainers({ dial, onChange, signal }: FollowOptions): Promise<void> {
  const engine = await dial(signal);
  try {
    const outgoing = request({
      path: PATH,
      headers: { Host: 'docker' },
      createConnection: () => engine,
      signal,
    });
    engine.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response', { signal })) as [IncomingMessage];
    onChange();
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) if (chunk.length > 0) onChange();
  } finally {
    engine.destroy();
  }
}
