import { collectBody } from './http/collect-body.js';
import type { EngineConnection } from './http/engine-pool.js';
import { isPersistent, responseFraming } from './http/framing.plan.js';
import { decodeResponseHead } from './http/head.codec.js';
import { FREE_BODY_BYTES, FREE_HEAD_BYTES, MemoryShare, type MemoryBudget } from './http/memory-budget.js';
import { BodyScanner } from './http/relay-body.js';
import { connectToEngine, takeIdle, type ServedClient } from './reach-engine.js';

/** The inspect response of a container is about 10 kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 1_500;
/** A kept connection answers a HEAD within a round trip. */
const LIVENESS_MS = 1_000;

/**
 * Sends a GET of our own to the engine while a client's request is being served, and returns its body.
 * Undefined if the engine does not answer 200 in time: the client's own request will then show why.
 */
export async function askEngine(client: ServedClient, target: string): Promise<Buffer | undefined> {
  const reached = takeIdle(client) ?? (await connectToEngine(client));
  if (reached.kind !== 'engine') return undefined;
  const answer = await ask(client, reached.engine, { method: 'GET', target, timeoutMs: ANSWER_MS });
  if (answer !== undefined) client.context.pool.giveBack(reached.engine, reached.dial);
  return answer?.status === 200 ? answer.body : undefined;
}

/**
 * Whether a kept connection still leads to the engine. Asked before a request that must not be sent twice:
 * once the engine is lost with it, nobody can tell whether the engine took it. If not, the connection is
 * closed.
 */
export async function isAlive(client: ServedClient, engine: EngineConnection): Promise<boolean> {
  const answer = await ask(client, engine, { method: 'HEAD', target: '/_ping', timeoutMs: LIVENESS_MS });
  return answer !== undefined && !engine.reader.hasEnded && engine.reader.heldBytes === 0;
}

interface Question {
  readonly method: 'GET' | 'HEAD';
  readonly target: string;
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** Undefined, and the connection is closed, if there is no complete answer in time. */
async function ask(
  client: ServedClient,
  engine: EngineConnection,
  { method, target, timeoutMs }: Question,
): Promise<Answer | undefined> {
  const giveUp = (): void => void engine.stream.destroy();
  const timer = setTimeout(giveUp, timeoutMs);
  client.signal.addEventListener('abort', giveUp);
  try {
    engine.stream.write(`${method} ${target} HTTP/1.1\r\nHost: docker\r\n\r\n`);
    const answer = await readAnswer(engine, { method, memory: client.context.memory });
    if (answer === undefined) giveUp();
    return answer;
  } catch {
    giveUp();
    return undefined;
  } finally {
    clearTimeout(timer);
    client.signal.removeEventListener('abort', giveUp);
  }
}

async function readAnswer(
  engine: EngineConnection,
  { method, memory }: { readonly method: string; readonly memory: MemoryBudget },
): Promise<Answer | undefined> {
  const [headShare, bodyShare] = [
    new MemoryShare(memory, FREE_HEAD_BYTES),
    new MemoryShare(memory, FREE_BODY_BYTES),
  ];
  try {
    const read = await engine.reader.readHead({ isRequest: false, memory: headShare });
    if (read.kind !== 'head') return undefined;
    const head = decodeResponseHead(read.text);
    const framing = responseFraming(head, method);
    if (framing.kind === 'until close' || !isPersistent(head)) return undefined;
    const options = { maxBytes: MAX_ANSWER_BYTES, memory: bodyShare, keepsRaw: false };
    const { end, content } = await collectBody(engine.reader, new BodyScanner(framing), options);
    return end === 'done' ? { status: head.status, body: content } : undefined;
  } finally {
    headShare.release();
    bodyShare.release();
  }
}
