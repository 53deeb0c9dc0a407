import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import {
  containerDetailsSchema,
  containerListSchema,
  engineErrorSchema,
  engineInfoSchema,
  engineVersionSchema,
  stoppedListSchema,
  type ContainerDetails,
  type ContainerList,
  type EngineInfo,
  type EngineVersion,
  type StoppedList,
} from './engine-schemas.js';

export interface EngineClientOptions {
  readonly dial: Dial;
  /** Milliseconds since 1970 by the host's clock. */
  readonly nowMs: () => number;
  /** Time limit of one call, from dialling to the last byte; 5,000 if absent. */
  readonly timeoutMs?: number;
}

export interface EnginePing {
  readonly apiVersion: string | undefined;
  /**
   * The engine's clock minus the host's, in milliseconds; undefined if the response has no Date field. HTTP
   * dates have whole seconds, so the error is up to half a second plus half the round trip.
   */
  readonly clockOffsetMs: number | undefined;
}

/**
 * The few API calls that the daemon itself makes, each on its own connection:
 * https://docs.docker.com/reference/api/engine/.
 * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE, or what the dial throws; the signal's reason if aborted
 */
export interface EngineClient {
  ping(signal: AbortSignal): Promise<EnginePing>;
  version(signal: AbortSignal): Promise<EngineVersion>;
  info(signal: AbortSignal): Promise<EngineInfo>;
  /** The running containers. */
  containers(signal: AbortSignal): Promise<ContainerList>;
  /** Those that have exited. */
  stoppedContainers(signal: AbortSignal): Promise<StoppedList>;
  /** Undefined if there is no such container. */
  inspectContainer(id: string, signal: AbortSignal): Promise<ContainerDetails | undefined>;
  /** Succeeds if it runs already. */
  startContainer(id: string, signal: AbortSignal): Promise<void>;
}

/** `/info` of a busy engine is about 10 kB. */
const MAX_BODY_BYTES = 1024 * 1024;
const CONTAINERS = '/containers/json';
const STOPPED = `${CONTAINERS}?filters=${encodeURIComponent('{"status":["exited"]}')}`;
/** The engine answers when the container runs, or has failed to. */
const START_TIMEOUT_MS = 60_000;
/** A container takes about 2 kB. */
const MAX_CONTAINERS_BYTES = 16 * 1024 * 1024;

export function engineClient(options: EngineClientOptions): EngineClient {
  return {
    async ping(signal) {
      const sentMs = options.nowMs();
      const { headers } = await get('/_ping', options, signal);
      return {
        apiVersion: typeof headers['api-version'] === 'string' ? headers['api-version'] : undefined,
        clockOffsetMs: clockOffset(headers.date, (sentMs + options.nowMs()) / 2),
      };
    },
    version: (signal) => getJson('/version', engineVersionSchema, { options, signal }),
    info: (signal) => getJson('/info', engineInfoSchema, { options, signal }),
    containers: (signal) => getJson(CONTAINERS, containerListSchema, { options, signal }),
    stoppedContainers: (signal) => getJson(STOPPED, stoppedListSchema, { options, signal }),
    async inspectContainer(id, signal) {
      const path = `/containers/${encodeURIComponent(id)}/json`;
      const answer = await ask({ method: 'GET', path, accepts: [200, 404] }, options, signal);
      return answer.status === 404 ? undefined : parsed(path, containerDetailsSchema, answer.body);
    },
    async startContainer(id, signal) {
      const path = `/containers/${encodeURIComponent(id)}/start`;
      const patient = { ...options, timeoutMs: START_TIMEOUT_MS };
      await ask({ method: 'POST', path, accepts: [204, 304] }, patient, signal);
    },
  };
}

interface Call {
  readonly options: EngineClientOptions;
  readonly signal: AbortSignal;
}

async function getJson<T>(path: string, schema: z.ZodType<T>, { options, signal }: Call): Promise<T> {
  const { body } = await get(path, options, signal);
  return parsed(path, schema, body);
}

function parsed<T>(path: string, schema: z.ZodType<T>, body: string): T {
  const result = schema.safeParse(jsonOrUndefined(body));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw noAnswerError(
    path,
    `its answer does not match the Engine API: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Statuses that are no error. */
  readonly accepts: readonly number[];
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function get(path: string, options: EngineClientOptions, signal: AbortSignal): Promise<Answer> {
  return ask({ method: 'GET', path, accepts: [200] }, options, signal);
}

async function ask(asked: Asked, options: EngineClientOptions, signal: AbortSignal): Promise<Answer> {
  const { path } = asked;
  signal.throwIfAborted();
  const timeoutMs = options.timeoutMs ?? 5_000;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const both = AbortSignal.any([signal, deadline.signal]);
  let engine: Duplex | undefined;
  try {
    engine = await options.dial(both);
    return await exchange(asked, engine, both);
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.signal.aborted) throw noAnswerError(path, `no answer within ${timeoutMs / 1000} s`, error);
    throw error instanceof MobyvmError ? error : noAnswerError(path, textOf(error), error);
  } finally {
    clearTimeout(timer);
    engine?.destroy();
  }
}

async function exchange(asked: Asked, engine: Duplex, signal: AbortSignal): Promise<Answer> {
  const { method, path } = asked;
  const outgoing = request({
    method,
    path,
    // The engine requires a Host field and accepts any value.
    headers: { Host: 'docker', Connection: 'close' },
    createConnection: () => engine,
    signal,
  });
  // A reset or an abort may come after the last listener is gone; it must not go uncaught.
  engine.on('error', () => undefined);
  outgoing.on('error', () => undefined);
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response', { signal })) as [IncomingMessage];
  const body = await readBody(path, incoming);
  const status = incoming.statusCode ?? 0;
  if (asked.accepts.includes(status)) return { status, headers: incoming.headers, body };
  const refusal = engineErrorSchema.safeParse(jsonOrUndefined(body));
  throw noAnswerError(path, `status ${status}${refusal.success ? `, ${refusal.data.message}` : ''}`);
}

async function readBody(path: string, incoming: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  const maxBytes = path.startsWith(CONTAINERS) ? MAX_CONTAINERS_BYTES : MAX_BODY_BYTES;
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) throw noAnswerError(path, `its answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function clockOffset(date: string | undefined, hostMs: number): number | undefined {
  const engineMs = date === undefined ? NaN : Date.parse(date);
  // The field is truncated to whole seconds: on average the clock is half a second ahead of it.
  return Number.isNaN(engineMs) ? undefined : Math.round(engineMs + 500 - hostMs);
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function noAnswerError(path: string, problem: string, cause?: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `The Docker Engine in the VM does not answer GET ${path}: ${problem}.`,
    'See `mobyvm logs`, or restart the VM with `mobyvm restart`.',
    { cause, details: { path } },
  );
}
