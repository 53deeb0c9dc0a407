import { once } from 'node:events';
import { request, type Agent, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { z } from 'zod';
import { timeLimit } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import { engineErrorSchema } from './engine-schemas.js';
import type { KeptConnection } from './kept-connection.js';

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Statuses that are no error. */
  readonly accepts: readonly number[];
  readonly body?: { readonly type: string; readonly bytes: string | Uint8Array };
}

export interface EngineAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface RequestOptions {
  readonly dial: Dial;
  /** Time limit from dialling to the last byte; none if undefined. */
  readonly timeoutMs: number | undefined;
  /** Absent for a connection of its own, which is closed afterwards. */
  readonly kept?: KeptConnection | undefined;
}

/** A kept connection may lead to a VM that is gone; the engine's answer to a ping takes milliseconds. */
const KEPT_ANSWER_MS = 1_000;

/** `/info` of a busy engine is about 10 kB. */
const MAX_BODY_BYTES = 1024 * 1024;
/** A container takes about 2 kB. */
const MAX_CONTAINERS_BYTES = 16 * 1024 * 1024;
const CONTAINERS = '/containers/json';

/**
 * Sends one request, a GET on a kept connection if there is one.
 * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE, or what the dial throws; the signal's reason if aborted
 */
export async function askEngineApi(
  asked: EngineRequest,
  options: RequestOptions,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const { kept } = options;
  if (kept === undefined || asked.method !== 'GET') return askAnew(asked, options, signal);
  if (kept.isOpen) {
    try {
      const within = AbortSignal.any([signal, timeLimit(KEPT_ANSWER_MS)]);
      return await complete(asked, await begin(asked, kept.agentFor(undefined), within));
    } catch (error) {
      signal.throwIfAborted();
      // The engine's own words are an answer.
      if (error instanceof MobyvmError) throw error;
    }
  }
  return askAnew(asked, options, signal);
}

async function askAnew(
  asked: EngineRequest,
  { dial, timeoutMs, kept }: RequestOptions,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  signal.throwIfAborted();
  const deadline = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => deadline.abort(), timeoutMs);
  const both = AbortSignal.any([signal, deadline.signal]);
  let engine: Duplex | undefined;
  try {
    engine = await dial(both);
    const answer = await complete(asked, await begin(asked, kept?.agentFor(engine) ?? engine, both));
    if (kept !== undefined) engine = undefined;
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    if (timeoutMs !== undefined && deadline.signal.aborted)
      throw noAnswerError(asked, `no answer within ${timeoutMs / 1000} s`, error);
    throw error instanceof MobyvmError ? error : noAnswerError(asked, textOf(error), error);
  } finally {
    clearTimeout(timer);
    engine?.destroy();
  }
}

/** Sends the request on the connection. @returns the answer's head */
export async function begin(
  { method, path, body }: EngineRequest,
  engine: Duplex | Agent,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const isOwn = engine instanceof Duplex;
  const outgoing = request({
    method,
    path,
    // The engine requires a Host field and accepts any value.
    headers: {
      Host: 'docker',
      ...(isOwn && { Connection: 'close' }),
      ...(body && { 'Content-Type': body.type }),
    },
    ...(isOwn ? { createConnection: () => engine } : { agent: engine }),
    signal,
  });
  // A reset or an abort may come after the last listener is gone; it must not go uncaught.
  if (isOwn) engine.on('error', () => undefined);
  outgoing.on('error', () => undefined);
  outgoing.end(body?.bytes);
  const [incoming] = (await once(outgoing, 'response', { signal })) as [IncomingMessage];
  return incoming;
}

/** Reads the rest of an answer. @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE for a status that is not accepted */
export async function complete(asked: EngineRequest, incoming: IncomingMessage): Promise<EngineAnswer> {
  const body = await readBody(asked, incoming);
  const status = incoming.statusCode ?? 0;
  if (asked.accepts.includes(status)) return { status, headers: incoming.headers, body };
  const refusal = engineErrorSchema.safeParse(jsonOrUndefined(body));
  throw noAnswerError(asked, `status ${status}${refusal.success ? `, ${refusal.data.message}` : ''}`);
}

/** @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE */
export function parsed<T>(asked: EngineRequest, schema: z.ZodType<T>, body: string): T {
  const result = schema.safeParse(jsonOrUndefined(body));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw noAnswerError(
    asked,
    `its answer does not match the Engine API: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}

export function noAnswerError(
  { method, path }: EngineRequest,
  problem: string,
  cause?: unknown,
): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `The Docker Engine in the VM does not answer ${method} ${path}: ${problem}.`,
    'See `mobyvm logs`, or restart the VM with `mobyvm restart`.',
    { cause, details: { path } },
  );
}

async function readBody(asked: EngineRequest, incoming: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  const maxBytes = asked.path.startsWith(CONTAINERS) ? MAX_CONTAINERS_BYTES : MAX_BODY_BYTES;
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) throw noAnswerError(asked, `its answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
