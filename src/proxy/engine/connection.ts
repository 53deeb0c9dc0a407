import type { Duplex } from 'node:stream';
import { tunnel, type ByteDirection, type TunnelEnd } from './duplex.js';
import { EarlyBytes } from './early-bytes.js';
import { probeHangups, type HangupProbe } from './hangup-probe.js';
import { reachEngine, type Reaching } from './reach-engine.js';
import { answerTo, TOO_MANY_CONNECTIONS, type Refusal } from './refusal.plan.js';
import { refusalResponse } from './refusal-response.js';

/** What one connection needs from its surroundings. */
export interface ConnectionContext extends Reaching {
  /** From the connection's start to the end of its first head, where mobyvm must answer; see EarlyBytes. */
  readonly headMs: number;
  /** True for a connection beyond the limit: it is only told so. */
  readonly isOneTooMany: boolean;
  /** Absent where a client's death shows by itself. */
  readonly probe?: HangupProbe | undefined;
  readonly onBytes: (direction: ByteDirection, count: number) => void;
  /** What this connection holds from now on, for the statistics. */
  readonly onEngine: (engine: Duplex) => void;
}

export type ConnectionEnd =
  | { readonly kind: 'tunnelled'; readonly end: TunnelEnd }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The client left, or was cut, before there was anything to say to it. */
  | { readonly kind: 'gone' };

/** After an answer, the rest of the request is read and dropped for this long: else its sender might not read it. */
const LINGER_MS = 2_000;

/**
 * Serves one client from its first byte to its last: a tunnel to the engine, or an answer that says why there is
 * none. Never throws; the client is closed when it resolves.
 */
export async function serveConnection(client: Duplex, context: ConnectionContext): Promise<ConnectionEnd> {
  const gone = new AbortController();
  // Every error is followed by 'close', which is what counts.
  client.on('error', () => undefined);
  client.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, context.signal]);
  const early = new EarlyBytes(client, context.headMs);
  let engine: Duplex | undefined;
  const progress = { toEngine: 0, toClient: 0 };
  if (context.probe !== undefined) {
    const isDue = hangupQuestion(client, () => engine, progress);
    void probeHangups(client, context.probe, { isDue, signal });
  }
  try {
    const reached = context.isOneTooMany
      ? { kind: 'refusal' as const, refusal: TOO_MANY_CONNECTIONS }
      : await reachEngine(early, { ...context, signal });
    if (reached.kind === 'gone') return reached;
    if (reached.kind === 'refusal') return await refuse(client, early, { refusal: reached.refusal, signal });
    engine = reached.engine;
    context.onEngine(engine);
    const end = await tunnel(client, engine, {
      signal: context.signal,
      early: early.release(),
      onBytes: (direction, count) => {
        progress[direction] += count;
        context.onBytes(direction, count);
      },
    });
    return { kind: 'tunnelled', end };
  } finally {
    early.release();
    client.destroy();
    gone.abort();
  }
}

/**
 * When to ask whether the client lives: while it waits for the engine; after the engine has got all of its input; and
 * when the engine takes nothing, because then the client is not read and its end not seen. Not otherwise: a client may
 * send its last request and leave, and its bytes are still to be delivered.
 */
function hangupQuestion(
  client: Duplex,
  engineNow: () => Duplex | undefined,
  progress: { readonly toEngine: number },
): () => boolean {
  let before = { pending: 0, taken: -1 };
  return () => {
    const engine = engineNow();
    if (engine === undefined) return true;
    const now = { pending: engine.writableLength, taken: progress.toEngine };
    const isStuck = now.pending > 0 && now.pending === before.pending && now.taken === before.taken;
    before = now;
    return isStuck || (client.readableEnded && engine.writableFinished);
  };
}

interface Refusing {
  readonly refusal: Refusal;
  readonly signal: AbortSignal;
}

async function refuse(
  client: Duplex,
  early: EarlyBytes,
  { refusal, signal }: Refusing,
): Promise<ConnectionEnd> {
  const outcome = await early.head;
  const answer = answerTo(outcome, refusal);
  if (answer === undefined || signal.aborted) return { kind: 'gone' };
  early.release();
  const isHead = outcome.kind === 'head' && outcome.head.method === 'HEAD';
  client.end(refusalResponse(answer, isHead));
  client.resume();
  await closedWithin(client, LINGER_MS, signal);
  return { kind: 'refused', refusal: answer };
}

function closedWithin(client: Duplex, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}
