import type { z } from 'zod';
import type { Dial } from './availability.js';
import {
  containerDetailsSchema,
  containerListSchema,
  engineInfoSchema,
  engineVersionSchema,
  stoppedListSchema,
  type ContainerDetails,
  type ContainerList,
  type EngineInfo,
  type EngineVersion,
  type StoppedList,
} from './engine-schemas.js';
import type { KeptConnection } from './kept-connection.js';
import { askEngineApi, parsed, type EngineAnswer, type EngineRequest } from './engine-request.js';

export interface EngineClientOptions {
  readonly dial: Dial;
  /** Milliseconds since 1970 by the host's clock. */
  readonly nowMs: () => number;
  /** Time limit of one call, from dialling to the last byte; 5,000 if absent. */
  readonly timeoutMs?: number;
  /** For questions that are asked again and again; absent for a connection each. */
  readonly kept?: KeptConnection;
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
 * The few API calls that the daemon itself makes:
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
  /** Closes the connection that it keeps, if any. */
  close(): void;
}

const CONTAINERS = '/containers/json';
const STOPPED = `${CONTAINERS}?filters=${encodeURIComponent('{"status":["exited"]}')}`;
/** The engine answers when the container runs, or has failed to. */
const START_TIMEOUT_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 5_000;

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
      const asked: EngineRequest = { method: 'GET', path, accepts: [200, 404] };
      const answer = await ask(asked, options, signal);
      return answer.status === 404 ? undefined : parsed(asked, containerDetailsSchema, answer.body);
    },
    async startContainer(id, signal) {
      const path = `/containers/${encodeURIComponent(id)}/start`;
      const patient = { ...options, timeoutMs: START_TIMEOUT_MS };
      await ask({ method: 'POST', path, accepts: [204, 304] }, patient, signal);
    },
    close: () => options.kept?.close(),
  };
}

interface Call {
  readonly options: EngineClientOptions;
  readonly signal: AbortSignal;
}

async function getJson<T>(path: string, schema: z.ZodType<T>, { options, signal }: Call): Promise<T> {
  const asked = questionAt(path);
  const { body } = await ask(asked, options, signal);
  return parsed(asked, schema, body);
}

function get(path: string, options: EngineClientOptions, signal: AbortSignal): Promise<EngineAnswer> {
  return ask(questionAt(path), options, signal);
}

function questionAt(path: string): EngineRequest {
  return { method: 'GET', path, accepts: [200] };
}

function ask(
  asked: EngineRequest,
  { dial, timeoutMs = DEFAULT_TIMEOUT_MS, kept }: EngineClientOptions,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  return askEngineApi(asked, { dial, timeoutMs, kept }, signal);
}

function clockOffset(date: string | undefined, hostMs: number): number | undefined {
  const engineMs = date === undefined ? NaN : Date.parse(date);
  // The field is truncated to whole seconds: on average the clock is half a second ahead of it.
  return Number.isNaN(engineMs) ? undefined : Math.round(engineMs + 500 - hostMs);
}
