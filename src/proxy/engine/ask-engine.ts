import type { ServedClient } from './served-client.js';
import { collectBody } from './http/collect-body.js';
import type { EngineConnection } from './http/engine-pool.js';
import { isPersistent, responseFraming } from './http/framing.plan.js';
import { decodeResponseHead } from './http/head.codec.js';
import { BodyScanner } from './http/relay-body.js';
import { takeEngine } from './take-engine.js';

/** An inspect of a container is some 10 kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 1_500;
const REQUEST: { readonly method: string; readonly version: string } = { method: 'GET', version: 'HTTP/1.1' };

/**
 * A question of our own to the engine, in the middle of a client's request: GET and its JSON. Undefined when the
 * engine does not answer 200, not in time, or not at all: then the client's own request will show why.
 */
export async function askEngine(client: ServedClient, target: string): Promise<Buffer | undefined> {
  const reached = await takeEngine(client, { isFresh: false });
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
