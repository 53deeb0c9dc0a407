import { collectBody } from './http/collect-body.js';
import type { EngineConnection } from './http/engine-pool.js';
import { isPersistent, responseFraming } from './http/framing.plan.js';
import { decodeResponseHead } from './http/head.codec.js';
import { BodyScanner } from './http/relay-body.js';
import { connectToEngine, takeIdle, type ServedClient } from './reach-engine.js';

/** The inspect response of a container is about 10 kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 1_500;
const REQUEST: { readonly method: string; readonly version: string } = { method: 'GET', version: 'HTTP/1.1' };

/**
 * Sends a GET of our own to the engine while a client's request is being served, and returns its body.
 * Undefined if the engine does not answer 200 in time: the client's own request will then show why.
 */
export async function askEngine(client: ServedClient, target: string): Promise<Buffer | undefined> {
  const reached = takeIdle(client) ?? (await connectToEngine(client));
  if (reached.kind !== 'engine') return undefined;
  const { engine, dial } = reached;
  const giveUp = (): void => void engine.stream.destroy();
  const timer = setTimeout(giveUp, ANSWER_MS);
  client.signal.addEventListener('abort', giveUp);
  try {
    engine.stream.write(`${REQUEST.method} ${target} ${REQUEST.version}\r\nHost: docker\r\n\r\n`);
    const answer = await readAnswer(engine);
    if (answer === undefined) giveUp();
    else client.context.pool.giveBack(engine, dial);
    return answer?.status === 200 ? answer.body : undefined;
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
): Promise<{ readonly status: number; readonly body: Buffer } | undefined> {
  const read = await engine.reader.readHead({ isRequest: false });
  if (read.kind !== 'head') return undefined;
  const head = decodeResponseHead(read.text);
  const framing = responseFraming(head, REQUEST.method);
  if (framing.kind === 'until close' || !isPersistent(head)) return undefined;
  const { end, content } = await collectBody(engine.reader, new BodyScanner(framing), MAX_ANSWER_BYTES);
  return end === 'done' ? { status: head.status, body: Buffer.concat(content) } : undefined;
}
