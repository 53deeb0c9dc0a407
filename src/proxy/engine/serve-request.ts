import type { ApiPlan, AskEngine } from './api-rules.js';
import { pathPattern } from './api/path-pattern.plan.js';
import { askEngine, isAlive } from './ask-engine.js';
import { collectBody } from './http/collect-body.js';
import { responseEditor } from './http/edit-response.js';
import type { EngineConnection } from './http/engine-pool.js';
import { exchange, type Call, type ExchangeEnd } from './http/exchange.js';
import type { BodyFraming } from './http/framing.plan.js';
import { editHead, expectsContinue, isAtLeast11, type RequestHead } from './http/head.codec.js';
import { FREE_BODY_BYTES, MemoryShare } from './http/memory-budget.js';
import { BodyScanner } from './http/relay-body.js';
import { withLength } from './http/with-length.plan.js';
import { connectToEngine, refusalIn, takeIdle, type Reached, type ServedClient } from './reach-engine.js';
import {
  BODY_TOO_LARGE,
  engineLostRefusal,
  malformedRefusal,
  NO_MEMORY,
  type Refusal,
} from './refusal.plan.js';

/** What happens next on the client's connection. */
export type RequestEnd =
  | { readonly kind: 'next' | 'broken' }
  /** `isEarly`: the client may still be sending its body. */
  | { readonly kind: 'last'; readonly isEarly: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly isEarly: boolean }
  | { readonly kind: 'raw stream'; readonly engine: EngineConnection; readonly onEnd: () => void };

export interface IncomingRequest {
  readonly head: RequestHead;
  readonly framing: BodyFraming;
  readonly raw: Buffer;
}

/** Limit of bodies that are parsed, in bytes; all others are forwarded at any length. */
export const MAX_PARSED_BYTES = 16 * 1024 * 1024;

/** Forwards one request and its response. Never throws. */
export async function serveRequest(client: ServedClient, request: IncomingRequest): Promise<RequestEnd> {
  const startedMs = performance.now();
  const before = { ...client.counters };
  const { logger, connId } = client.context;
  const log = (status: number, how?: string): void =>
    logger.debug('engine.request.served', {
      connId,
      method: request.head.method,
      path: pathPattern(request.head.target),
      status,
      durationMs: Math.round(performance.now() - startedMs),
      bytesToEngine: client.counters.toEngine - before.toEngine,
      bytesToClient: client.counters.toClient - before.toClient,
      ...(how === undefined ? {} : { how }),
    });
  const { end, status, how } = await perform(client, request);
  // A raw stream is logged when it ends.
  if (end.kind === 'raw stream') return { ...end, onEnd: () => log(status, 'raw stream') };
  log(end.kind === 'refused' ? end.refusal.status : status, how);
  return end;
}

interface Outcome {
  readonly end: RequestEnd;
  /** 0 if the client got no response. */
  readonly status: number;
  readonly how?: string;
}

async function perform(client: ServedClient, request: IncomingRequest): Promise<Outcome> {
  const sinceMs = performance.now();
  const plan = client.context.rules?.planFor(request.head);
  const outgoing = plan === undefined ? plainly(request) : await prepare(client, request, plan);
  if ('refusal' in outgoing) return refused(outgoing.refusal, outgoing.isEarly);
  for (let attempt = 0; ; attempt += 1) {
    const kept = attempt === 0 ? keptConnection(client, request, sinceMs) : undefined;
    const reached = (kept instanceof Promise ? await kept : kept) ?? (await connectToEngine(client));
    if (reached.kind === 'gone') return { end: { kind: 'broken' }, status: 0, how: 'client gone' };
    if (reached.kind === 'refusal') return refused(reached.refusal, outgoing.rest.kind !== 'none');
    const { engine, dial } = reached;
    client.engine = engine;
    const end = await exchange(client, engine, callOf(client, { engine, outgoing, request, plan }));
    if (end.kind === 'raw stream')
      return { end: { kind: 'raw stream', engine, onEnd: () => undefined }, status: end.status };
    client.engine = undefined;
    if (end.kind === 'done' && end.isEngineReusable) client.context.pool.giveBack(engine, dial);
    else engine.stream.destroy();
    if (attempt === 0 && mayRepeat(end, engine, request)) continue;
    return outcomeOf(client, end, outgoing);
  }
}

/**
 * A kept connection to the engine, if there is one that can be used for this request.
 * @param sinceMs when the request arrived: a connection that was used since then is known to be alive
 */
function keptConnection(
  client: ServedClient,
  request: IncomingRequest,
  sinceMs: number,
): Reached | undefined | Promise<Reached | undefined> {
  const kept = takeIdle(client);
  if (kept?.kind !== 'engine' || isRepeatable(request) || kept.engine.idleSinceMs >= sinceMs) return kept;
  return checkedConnection(client, kept);
}

async function checkedConnection(
  client: ServedClient,
  kept: Extract<Reached, { kind: 'engine' }>,
): Promise<Reached | undefined> {
  return (await isAlive(client, kept.engine)) ? kept : undefined;
}

/**
 * A kept connection may be closed by the engine just when it is used. Only safe methods without a body are
 * repeated, and only if no part of a response was seen: RFC 9110 §9.2.2,
 * https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2.
 */
function mayRepeat(end: ExchangeEnd, engine: EngineConnection, request: IncomingRequest): boolean {
  return end.kind === 'engine lost' && engine.isReused && !end.isAnswered && isRepeatable(request);
}

function isRepeatable({ head, framing }: IncomingRequest): boolean {
  return framing.kind === 'none' && (head.method === 'GET' || head.method === 'HEAD');
}

function outcomeOf(
  client: ServedClient,
  end: Exclude<ExchangeEnd, { kind: 'raw stream' }>,
  { rest }: Outgoing,
): Outcome {
  switch (end.kind) {
    case 'done':
      return {
        end: end.isClientReusable ? { kind: 'next' } : { kind: 'last', isEarly: end.isEarly },
        status: end.status,
      };
    case 'client gone':
      return { end: { kind: 'broken' }, status: 0, how: 'client gone' };
    case 'bad request':
      return refused(malformedRefusal(end.problem), false);
    case 'engine lost': {
      const state = client.context.availability.current();
      if (end.isAnswered) return { end: { kind: 'broken' }, status: 0, how: 'engine gone' };
      return refused(
        state.kind === 'ready' ? engineLostRefusal(end.problem) : refusalIn(state),
        rest.kind !== 'none',
      );
    }
  }
}

function refused(refusal: Refusal, isEarly: boolean): Outcome {
  return { end: { kind: 'refused', refusal, isEarly }, status: refusal.status };
}

/** What the engine gets. */
type Outgoing = Pick<Call, 'first' | 'rest'>;

function plainly({ raw, framing }: IncomingRequest): Outgoing {
  return { first: raw, rest: framing };
}

/** `isEarly`: the client may still be sending its body. */
interface Refused {
  readonly refusal: Refusal;
  readonly isEarly: boolean;
}

/** Checks whether the request may be sent, and rewrites its body, as the plan says. */
async function prepare(
  client: ServedClient,
  request: IncomingRequest,
  plan: ApiPlan,
): Promise<Outgoing | Refused> {
  const ask: AskEngine = (target) => askEngine(client, target);
  if (plan.check !== undefined) {
    const refusal = await plan.check(ask);
    if (refusal !== undefined) return { refusal, isEarly: request.framing.kind !== 'none' };
  }
  const { rewriteRequest } = plan;
  if (rewriteRequest === undefined || request.framing.kind === 'none') return plainly(request);
  if (request.framing.kind === 'length' && request.framing.bytes > MAX_PARSED_BYTES)
    return { refusal: BODY_TOO_LARGE, isEarly: true };
  const memory = new MemoryShare(client.context.memory, FREE_BODY_BYTES);
  try {
    return await rewriteBody(client, request, { rewriteRequest, memory });
  } finally {
    memory.release();
  }
}

interface Rewriter {
  readonly rewriteRequest: NonNullable<ApiPlan['rewriteRequest']>;
  readonly memory: MemoryShare;
}

async function rewriteBody(
  client: ServedClient,
  { head, raw, framing }: IncomingRequest,
  { rewriteRequest, memory }: Rewriter,
): Promise<Outgoing | Refused> {
  // HTTP/1.0 knows no informational responses: RFC 9110 §15.2.
  const isAwaited = expectsContinue(head) && isAtLeast11(head);
  if (isAwaited) client.stream.write('HTTP/1.1 100 Continue\r\n\r\n');
  const options = { maxBytes: MAX_PARSED_BYTES, memory, keepsRaw: false };
  const body = await collectBody(client.reader, new BodyScanner(framing), options);
  if (body.end === 'too large') return { refusal: BODY_TOO_LARGE, isEarly: true };
  if (body.end === 'no memory') return { refusal: NO_MEMORY, isEarly: true };
  if (body.end !== 'done')
    return { refusal: malformedRefusal('its body is truncated or not chunked'), isEarly: false };
  const rewriting = await rewriteRequest(body.content);
  if (rewriting?.kind === 'refused') return { refusal: rewriting.refusal, isEarly: false };
  // The engine must not send 100 Continue again.
  const drop = isAwaited ? ['expect'] : [];
  if (rewriting === undefined && body.raw !== undefined) {
    const first = isAwaited ? Buffer.from(editHead(head, { drop, add: [] }), 'latin1') : raw;
    return { first: Buffer.concat([first, body.raw]), rest: { kind: 'none' } };
  }
  const content = rewriting?.body ?? body.content;
  const first = Buffer.from(withLength(head, content.length, drop), 'latin1');
  return { first: Buffer.concat([first, content]), rest: { kind: 'none' } };
}

interface Calling {
  readonly engine: EngineConnection;
  readonly outgoing: Outgoing;
  readonly request: IncomingRequest;
  readonly plan: ApiPlan | undefined;
}

function callOf(client: ServedClient, { engine, outgoing, request, plan }: Calling): Call {
  const { counters } = client;
  const { memory } = client.context;
  const rewrite = plan?.rewriteResponse;
  return {
    first: outgoing.first,
    rest: outgoing.rest,
    head: request.head,
    counters,
    memory,
    editorFor:
      rewrite &&
      ((head) => {
        const edit = rewrite(head);
        return (
          edit && responseEditor(client, engine, { head, edit, maxBytes: MAX_PARSED_BYTES, counters, memory })
        );
      }),
  };
}
