import { randomUUID } from 'node:crypto';
import { request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { timeLimit } from '../core/host/index.js';
import { errnoOf, isTimeout, MobyvmError } from '../core/values/index.js';
import { serverEvent, type ServerEvent, type Topic } from '../protocol/control-events.js';
import { pathOf, ROUTES, type Route } from '../protocol/control-routes.js';
import type { AskedRequest } from '../protocol/diagnosis-questions.js';
import type { DnsAnswer, DnsQuery, DnsStatus } from '../protocol/dns-messages.js';
import { errorOf } from '../protocol/error-text.js';
import { SHELL_PATH, SHELL_UPGRADE } from '../protocol/shell-messages.js';
import {
  errorAnswer,
  type DaemonInfo,
  type DashboardAnswer,
  type Finding,
  type KvpListing,
  type KvpPool,
  type KvpSetRequest,
  type LeaseListing,
  type MachineStatus,
  type OperationEvent,
  type OperationName,
  type OperationRequest,
  type PortListing,
} from '../protocol/messages.js';
import type { Rights } from '../protocol/platform.js';
import type {
  ListedShare,
  ShareAddRequest,
  ShareCheck,
  ShareListing,
  ShareRemoved,
} from '../protocol/share-messages.js';

const INFO_TIMEOUT_MS = 10_000;
/** Includes asking the VM and its engine, which have their own timeouts. */
const STATUS_TIMEOUT_MS = 20_000;
/** On Windows it asks PowerShell some twenty questions. */
const EXAMINE_TIMEOUT_MS = 120_000;

interface CallOptions<Params, Body> {
  readonly params?: Params;
  readonly body?: Body;
  readonly signal?: AbortSignal | undefined;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Of a request to change the protocol. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

type Answered = { readonly response: IncomingMessage } | { readonly stream: Duplex };

/** The other end of the control API. Every call fails with MOBYVM_DAEMON_NOT_RUNNING when nobody listens. */
export class ControlClient {
  readonly #path: string;
  readonly #rights: Pick<Rights, 'remedy'>;

  /** @param rights for the message when this user may not connect */
  constructor(path: string, rights: Pick<Rights, 'remedy'>) {
    this.#path = path;
    this.#rights = rights;
  }

  /** @throws MobyvmError MOBYVM_CONTROL_API when the daemon does not answer in time */
  info(): Promise<DaemonInfo> {
    return this.#look(ROUTES.daemon, { timeoutMs: INFO_TIMEOUT_MS });
  }

  /** @throws MobyvmError MOBYVM_CONTROL_API when the daemon does not answer in time */
  status(signal?: AbortSignal): Promise<MachineStatus> {
    return this.#look(ROUTES.status, { timeoutMs: STATUS_TIMEOUT_MS, signal });
  }

  /** What the daemon finds on its host. @throws MobyvmError as `status` does */
  async examineHost(signal?: AbortSignal): Promise<readonly Finding[]> {
    return (await this.#look(ROUTES.examineHost, { timeoutMs: EXAMINE_TIMEOUT_MS, signal })).findings;
  }

  /** Repairs what can be repaired while the VM runs. @returns what the daemon finds afterwards @throws MobyvmError MOBYVM_BUSY */
  async repair(signal: AbortSignal): Promise<readonly Finding[]> {
    return (await this.#call(ROUTES.repair, { signal })).findings;
  }

  /** Yields the status now and at every change, until the signal is aborted or the daemon ends. */
  async *watchStatus(signal: AbortSignal): AsyncGenerator<MachineStatus> {
    for await (const event of this.watch(['status'], signal)) {
      if (event.type === 'unavailable') throw errorOf(event.error);
      if (event.type === 'status') yield event.status;
    }
  }

  /** Yields what the daemon sends about the topics, until the signal is aborted or the daemon ends. */
  watch(topics: readonly Topic[], signal: AbortSignal): AsyncGenerator<ServerEvent> {
    return this.#events(topics, signal);
  }

  /** Yields the operation's events; the last one is `operation.done` or `operation.failed`. */
  async *operate(
    name: OperationName,
    args: Omit<OperationRequest, 'id'>,
    signal?: AbortSignal,
  ): AsyncGenerator<OperationEvent> {
    const id = randomUUID();
    for await (const event of this.#events(['operation'], signal)) {
      // From now on no event can be missed.
      if (event.type === 'watching')
        await this.#call(ROUTES.operate, { params: { name }, body: { id, ...args } });
      if (event.type !== 'operation' || event.id !== id) continue;
      yield event.event;
      if (event.event.event === 'operation.done' || event.event.event === 'operation.failed') return;
    }
  }

  async cancel(): Promise<boolean> {
    return (await this.#call(ROUTES.cancel, {})).cancelled;
  }

  listPorts(signal: AbortSignal): Promise<PortListing> {
    return this.#call(ROUTES.ports, { signal });
  }

  listLeases(signal: AbortSignal): Promise<LeaseListing> {
    return this.#call(ROUTES.leases, { signal });
  }

  queryDns(body: DnsQuery, signal: AbortSignal): Promise<DnsAnswer> {
    return this.#call(ROUTES.dnsQuery, { body, signal });
  }

  dnsStatus(signal: AbortSignal): Promise<DnsStatus> {
    return this.#call(ROUTES.dnsStatus, { signal });
  }

  listKvp(pool: KvpPool, signal: AbortSignal): Promise<KvpListing> {
    return this.#call(ROUTES.kvp, { params: { pool }, signal });
  }

  /** @returns whether the VM has the item already */
  async setKvp(body: KvpSetRequest, signal: AbortSignal): Promise<boolean> {
    return (await this.#call(ROUTES.setKvp, { body, signal })).delivered;
  }

  async removeKvp(name: string, signal: AbortSignal): Promise<void> {
    await this.#call(ROUTES.removeKvp, { body: { name }, signal });
  }

  listShares(signal: AbortSignal): Promise<ShareListing> {
    return this.#call(ROUTES.shares, { signal });
  }

  addShare(body: ShareAddRequest, signal: AbortSignal): Promise<ListedShare> {
    return this.#call(ROUTES.addShare, { body, signal });
  }

  removeShare(name: string, signal: AbortSignal): Promise<ShareRemoved> {
    return this.#call(ROUTES.removeShare, { body: { name }, signal });
  }

  checkShare(name: string, signal: AbortSignal): Promise<ShareCheck> {
    return this.#call(ROUTES.checkShare, { body: { name }, signal });
  }

  setShareCredentials(name: string, password: string, signal: AbortSignal): Promise<ListedShare> {
    return this.#call(ROUTES.setShareCredentials, { body: { name, password }, signal });
  }

  /** Opens the dashboard's port. @throws MobyvmError MOBYVM_DASHBOARD */
  openDashboard(signal: AbortSignal): Promise<DashboardAnswer> {
    return this.#call(ROUTES.openDashboard, { signal });
  }

  /** Any request, whose answer is passed on as it is. */
  async ask(request: AskedRequest, signal: AbortSignal): Promise<unknown> {
    return JSON.parse(await this.#answerTo({ ...request, signal })) as unknown;
  }

  /** @returns the connection on which both sides send frames, see protocol/shell-messages.ts */
  async openShell(signal: AbortSignal): Promise<Duplex> {
    const headers = { Connection: 'Upgrade', Upgrade: SHELL_UPGRADE };
    const answer = await this.#send({ method: 'POST', path: SHELL_PATH, headers, signal });
    if ('stream' in answer) return answer.stream;
    throw errorOf(parsed(errorAnswer, await textOf(answer.response)).error);
  }

  async exit(): Promise<void> {
    await this.#call(ROUTES.exit, {});
  }

  async #look<Answer>(
    route: Route<object, undefined, Answer>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Answer> {
    try {
      return await this.#call(route, { signal: timeLimit(timeoutMs, signal) });
    } catch (error) {
      throw isTimeout(error) ? silentError(error) : error;
    }
  }

  async #call<Params extends object, Body, Answer>(
    { method, path, answer }: Route<Params, Body, Answer>,
    { params, body, signal }: CallOptions<Params, Body>,
  ): Promise<Answer> {
    return parsed(answer, await this.#answerTo({ method, path: pathOf(path, { ...params }), body, signal }));
  }

  /** @throws the error of the answer */
  async #answerTo(asked: Asked): Promise<string> {
    const answered = await this.#send(asked);
    if ('stream' in answered) throw otherVersionError(undefined);
    const { response } = answered;
    const text = await textOf(response);
    if ((response.statusCode ?? 500) >= 400) throw errorOf(parsed(errorAnswer, text).error);
    return text;
  }

  async *#events(topics: readonly Topic[], signal: AbortSignal | undefined): AsyncGenerator<ServerEvent> {
    const parse = (text: string): ServerEvent => parsed(serverEvent, text);
    const refused = async (response: IncomingMessage): Promise<Error> => {
      try {
        return errorOf(parsed(errorAnswer, await textOf(response)).error);
      } catch (error) {
        return otherVersionError(error);
      }
    };
    // Most commands need no stream, and would wait for its library to be loaded.
    const { eventStream } = await import('./event-stream.js');
    try {
      yield* eventStream({ address: this.#path, topics, signal, parse, refused });
    } catch (error) {
      throw error instanceof MobyvmError || !(error instanceof Error) ? error : this.#connectError(error);
    }
  }

  #send({ method, path, body, headers, signal }: Asked): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#path, method, path, agent: false as const };
      const sent = request({ ...options, ...(headers && { headers }), ...(signal && { signal }) });
      sent.once('response', (response) => resolve({ response }));
      if (headers !== undefined)
        sent.once('upgrade', (_response, stream, early) => {
          if (early.length > 0) stream.unshift(early);
          resolve({ stream });
        });
      sent.once('error', (error) => {
        reject(this.#connectError(error));
      });
      if (body === undefined) sent.end();
      else sent.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
    });
  }

  #connectError(error: Error): Error {
    switch (errnoOf(error)) {
      case 'ENOENT':
      case 'ECONNREFUSED':
      // No socket has such a long path: `up` says how long it may be.
      case 'ENAMETOOLONG':
      case 'EINVAL':
        return notRunningError(error);
      case 'EACCES':
        return forbiddenError(this.#path, this.#rights, error);
      default:
        return error;
    }
  }
}

export function notRunningError(cause?: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DAEMON_NOT_RUNNING',
    'The daemon is not running.',
    'Start it with `mobyvm up`.',
    { cause },
  );
}

export function silentError(cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_CONTROL_API',
    'The daemon does not answer.',
    'See `mobyvm logs`. If the daemon hangs, kill its process: the VM and its containers keep running, and `mobyvm up` starts a new daemon.',
    { cause },
  );
}

function forbiddenError(path: string, { remedy }: Pick<Rights, 'remedy'>, cause: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_NOT_ROOT', `Permission denied: ${path}.`, remedy, { cause });
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}

function parsed<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw otherVersionError(error);
  }
}

function otherVersionError(cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_CONTROL_API',
    "The daemon's answer could not be understood.",
    'The daemon is of another version: run `mobyvm down` with its own version, then `mobyvm up` with this one.',
    { cause },
  );
}
