import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { timeLimit } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import {
  askEngineApi,
  begin,
  complete,
  noAnswerError,
  parsed,
  type EngineRequest,
} from './engine-request.js';

/** Of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * The calls that run one container of the daemon's own: https://docs.docker.com/reference/api/engine/.
 * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE, or what the dial throws; the signal's reason if aborted
 */
export interface ContainerClient {
  /** @param archive a tar file. @returns the image's id */
  importImage(archive: Uint8Array, signal: AbortSignal): Promise<string>;
  /** Succeeds if there is none. */
  removeImage(id: string, signal: AbortSignal): Promise<void>;
  /** @returns its id */
  create(name: string, specification: unknown, signal: AbortSignal): Promise<string>;
  start(id: string, signal: AbortSignal): Promise<void>;
  /**
   * Input and output of a container, from its start on. Output is framed (stream-frame.codec.ts) unless it has a
   * terminal. Ending the writable side ends its input.
   */
  attach(id: string, signal: AbortSignal): Promise<Duplex>;
  /** Resolves when the engine waits; the exit code comes when the container has ended and is removed. */
  waitForRemoval(id: string, signal: AbortSignal): Promise<{ readonly exitCode: Promise<number> }>;
  resize(id: string, size: TerminalSize, signal: AbortSignal): Promise<void>;
  /** Ends it first. Succeeds if there is none. */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** All containers with the label, ended ones too. */
  withLabel(
    label: string,
    signal: AbortSignal,
  ): Promise<readonly { readonly id: string; readonly value: string }[]>;
}

const TIMEOUT_MS = 60_000;
const id = z.string().regex(/^(sha256:)?[0-9a-f]{64}$/);
const createdSchema = z.looseObject({ Id: id });
const importedSchema = z.looseObject({ status: id });
const waitedSchema = z.looseObject({ StatusCode: z.int().min(0).max(255) });
const listSchema = z.array(z.looseObject({ Id: id, Labels: z.record(z.string(), z.string()) }));

export function containerClient(dial: Dial): ContainerClient {
  const ask = (asked: EngineRequest, signal: AbortSignal) =>
    askEngineApi(asked, { dial, timeoutMs: TIMEOUT_MS }, signal);
  return {
    async importImage(archive, signal) {
      const body = { type: 'application/x-tar', bytes: archive };
      const asked = post('/images/create?fromSrc=-', [200], body);
      return parsed(asked, importedSchema, (await ask(asked, signal)).body).status;
    },
    async removeImage(image, signal) {
      const path = `/images/${encodeURIComponent(image)}?force=1&noprune=1`;
      await ask({ method: 'DELETE', path, accepts: [200, 404] }, signal);
    },
    async create(name, specification, signal) {
      const body = { type: 'application/json', bytes: JSON.stringify(specification) };
      const asked = post(`/containers/create?name=${encodeURIComponent(name)}`, [201], body);
      return parsed(asked, createdSchema, (await ask(asked, signal)).body).Id;
    },
    async start(container, signal) {
      await ask(post(`/containers/${container}/start`, [204, 304]), signal);
    },
    attach: (container, signal) => attach(dial, container, signal),
    waitForRemoval: (container, signal) => waitForRemoval(dial, container, signal),
    async resize(container, { columns, rows }, signal) {
      await ask(post(`/containers/${container}/resize?h=${rows}&w=${columns}`, [200]), signal);
    },
    async remove(container, signal) {
      // 409: it is being removed already.
      const path = `/containers/${container}?force=1&v=1`;
      await ask({ method: 'DELETE', path, accepts: [204, 404, 409] }, signal);
    },
    async withLabel(label, signal) {
      const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
      const asked: EngineRequest = {
        method: 'GET',
        path: `/containers/json?all=1&filters=${filters}`,
        accepts: [200],
      };
      const listed = parsed(asked, listSchema, (await ask(asked, signal)).body);
      return listed.map(({ Id, Labels }) => ({ id: Id, value: Labels[label] ?? '' }));
    },
  };
}

function post(path: string, accepts: readonly number[], body?: EngineRequest['body']): EngineRequest {
  return { method: 'POST', path, accepts, ...(body && { body }) };
}

/** The engine answers at once and completes its answer at the end, which may be days later. */
async function waitForRemoval(
  dial: Dial,
  container: string,
  signal: AbortSignal,
): Promise<{ readonly exitCode: Promise<number> }> {
  const asked = post(`/containers/${container}/wait?condition=removed`, [200]);
  const engine = await dial(signal);
  try {
    const head = await begin(asked, engine, signal);
    const exitCode = complete(asked, head)
      .then(({ body }) => parsed(asked, waitedSchema, body).StatusCode)
      .finally(() => engine.destroy());
    // The caller may fail before it looks at it.
    exitCode.catch(() => undefined);
    return { exitCode };
  } catch (error) {
    engine.destroy();
    signal.throwIfAborted();
    throw error instanceof MobyvmError ? error : noAnswerError(asked, textOf(error), error);
  }
}

/** The connection becomes the streams of the container: "Hijacking" in the documentation of ContainerAttach. */
async function attach(dial: Dial, container: string, signal: AbortSignal): Promise<Duplex> {
  const asked = post(`/containers/${container}/attach?stream=1&stdin=1&stdout=1&stderr=1`, [101]);
  const engine = await dial(signal);
  const answered = new AbortController();
  try {
    const outgoing = request({
      method: asked.method,
      path: asked.path,
      headers: { Host: 'docker', Connection: 'Upgrade', Upgrade: 'tcp' },
      createConnection: () => engine,
    });
    engine.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    const until = { signal: AbortSignal.any([timeLimit(TIMEOUT_MS, signal), answered.signal]) };
    const refused = once(outgoing, 'response', until).then(async ([incoming]) => {
      await complete(asked, incoming as IncomingMessage);
      throw noAnswerError(asked, 'it does not hand over its streams');
    });
    const upgraded = once(outgoing, 'upgrade', until).then(([, stream, early]) => {
      if ((early as Buffer).length > 0) (stream as Duplex).unshift(early);
      return stream as Duplex;
    });
    outgoing.end();
    return await Promise.race([upgraded, refused]);
  } catch (error) {
    engine.destroy();
    signal.throwIfAborted();
    throw error instanceof MobyvmError ? error : noAnswerError(asked, textOf(error), error);
  } finally {
    answered.abort();
  }
}
