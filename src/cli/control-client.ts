import { timeLimit } from '../core/host/index.js';
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { errnoOf, isTimeout, MobyvmError } from '../core/values/index.js';
import {
  dnsAnswer,
  dnsStatus,
  type DnsAnswer,
  type DnsQuery,
  type DnsStatus,
} from '../protocol/dns-messages.js';
import {
  listedShare,
  shareCheck,
  shareListing,
  shareRemoved,
  type ListedShare,
  type ShareAddRequest,
  type ShareCheck,
  type ShareListing,
  type ShareRemoved,
} from '../protocol/share-messages.js';
import { errorOf } from '../protocol/error-text.js';
import { SHELL_UPGRADE } from '../protocol/shell-messages.js';
import type { Rights } from '../protocol/platform.js';
import {
  cancelAnswer,
  daemonInfo,
  hostReport,
  kvpListing,
  kvpSetAnswer,
  errorAnswer,
  machineStatus,
  operationEvent,
  leaseListing,
  portListing,
  type DaemonInfo,
  type Finding,
  type KvpListing,
  type KvpPool,
  type KvpSetRequest,
  type MachineStatus,
  type OperationEvent,
  type OperationName,
  type OperationRequest,
  type LeaseListing,
  type PortListing,
} from '../protocol/messages.js';

const INFO_TIMEOUT_MS = 10_000;
/** Includes asking the VM and its engine, which have their own timeouts. */
const STATUS_TIMEOUT_MS = 20_000;
/** On Windows it asks PowerShell some twenty questions. */
const EXAMINE_TIMEOUT_MS = 120_000;

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Of a request to change the protocol. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

type Opened = { readonly response: IncomingMessage } | { readonly stream: Duplex };

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
    return this.#look('/v1/daemon', daemonInfo, { timeoutMs: INFO_TIMEOUT_MS });
  }

  /** @throws MobyvmError MOBYVM_CONTROL_API when the daemon does not answer in time */
  status(signal?: AbortSignal): Promise<MachineStatus> {
    return this.#look('/v1/status', machineStatus, { timeoutMs: STATUS_TIMEOUT_MS, signal });
  }

  /** What the daemon finds on its host. @throws MobyvmError as `status` does */
  async examineHost(signal?: AbortSignal): Promise<readonly Finding[]> {
    const limits = { timeoutMs: EXAMINE_TIMEOUT_MS, signal };
    return (await this.#look('/v1/doctor', hostReport, limits)).findings;
  }

  /** Repairs what can be repaired while the VM runs. @returns what the daemon finds afterwards @throws MobyvmError MOBYVM_BUSY */
  async repair(signal: AbortSignal): Promise<readonly Finding[]> {
    const answer = await textOf(await this.#send('POST', '/v1/repair', undefined, signal));
    return parsed(hostReport, answer).findings;
  }

  /** Yields the status now and at every change, until the signal is aborted or the daemon ends. */
  async *watchStatus(signal: AbortSignal): AsyncGenerator<MachineStatus> {
    yield* linesOf(machineStatus, await this.#send('GET', '/v1/status/watch', undefined, signal));
  }

  /** Yields the operation's events; the last one is `operation.done` or `operation.failed`. */
  async *operate(
    name: OperationName,
    request: OperationRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<OperationEvent> {
    const response = await this.#send('POST', `/v1/operations/${name}`, request, signal);
    yield* linesOf(operationEvent, response);
  }

  async cancel(): Promise<boolean> {
    return parsed(cancelAnswer, await textOf(await this.#send('POST', '/v1/cancel'))).cancelled;
  }

  async listPorts(signal: AbortSignal): Promise<PortListing> {
    return parsed(portListing, await textOf(await this.#send('GET', '/v1/ports', undefined, signal)));
  }

  async listLeases(signal: AbortSignal): Promise<LeaseListing> {
    return parsed(leaseListing, await textOf(await this.#send('GET', '/v1/dhcp/leases', undefined, signal)));
  }

  async queryDns(query: DnsQuery, signal: AbortSignal): Promise<DnsAnswer> {
    return parsed(dnsAnswer, await textOf(await this.#send('POST', '/v1/dns/query', query, signal)));
  }

  async dnsStatus(signal: AbortSignal): Promise<DnsStatus> {
    return parsed(dnsStatus, await textOf(await this.#send('GET', '/v1/dns', undefined, signal)));
  }

  async listKvp(pool: KvpPool, signal: AbortSignal): Promise<KvpListing> {
    return parsed(kvpListing, await textOf(await this.#send('GET', `/v1/kvp/${pool}`, undefined, signal)));
  }

  /** @returns whether the VM has the item already */
  async setKvp(item: KvpSetRequest, signal: AbortSignal): Promise<boolean> {
    const answer = await textOf(await this.#send('POST', '/v1/kvp/set', item, signal));
    return parsed(kvpSetAnswer, answer).delivered;
  }

  async removeKvp(name: string, signal: AbortSignal): Promise<void> {
    await textOf(await this.#send('POST', '/v1/kvp/remove', { name }, signal));
  }

  async listShares(signal: AbortSignal): Promise<ShareListing> {
    return parsed(shareListing, await textOf(await this.#send('GET', '/v1/shares', undefined, signal)));
  }

  addShare(request: ShareAddRequest, signal: AbortSignal): Promise<ListedShare> {
    return this.#ask('/v1/shares/add', request, listedShare, signal);
  }

  removeShare(name: string, signal: AbortSignal): Promise<ShareRemoved> {
    return this.#ask('/v1/shares/remove', { name }, shareRemoved, signal);
  }

  checkShare(name: string, signal: AbortSignal): Promise<ShareCheck> {
    return this.#ask('/v1/shares/check', { name }, shareCheck, signal);
  }

  setShareCredentials(name: string, password: string, signal: AbortSignal): Promise<ListedShare> {
    return this.#ask('/v1/shares/credentials', { name, password }, listedShare, signal);
  }

  /** @returns the connection on which both sides send frames, see protocol/shell-messages.ts */
  async openShell(signal: AbortSignal): Promise<Duplex> {
    const headers = { Connection: 'Upgrade', Upgrade: SHELL_UPGRADE };
    const answer = await this.#open({ method: 'POST', path: '/v1/shell', headers, signal });
    if ('stream' in answer) return answer.stream;
    const { error } = parsed(errorAnswer, await textOf(answer.response));
    throw errorOf(error);
  }

  async exit(): Promise<void> {
    await textOf(await this.#send('POST', '/v1/exit'));
  }

  async #ask<T>(path: string, body: unknown, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return parsed(schema, await textOf(await this.#send('POST', path, body, signal)));
  }

  async #look<T>(
    path: string,
    schema: z.ZodType<T>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<T> {
    try {
      const answer = await this.#send('GET', path, undefined, timeLimit(timeoutMs, signal));
      return parsed(schema, await textOf(answer));
    } catch (error) {
      throw isTimeout(error) ? silentError(error) : error;
    }
  }

  async #send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    const answer = await this.#open({ method, path, body, signal });
    if ('stream' in answer) throw new MobyvmError('MOBYVM_BUG', 'The daemon changed the protocol.', '');
    const { response } = answer;
    if ((response.statusCode ?? 500) < 400) return response;
    const { error } = parsed(errorAnswer, await textOf(response));
    throw errorOf(error);
  }

  #open({ method, path, body, headers, signal }: Sent): Promise<Opened> {
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
      sent.end(body === undefined ? undefined : JSON.stringify(body));
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

function silentError(cause: unknown): MobyvmError {
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

async function* linesOf<T>(schema: z.ZodType<T>, response: IncomingMessage): AsyncGenerator<T> {
  // When the other side dies the reader ends without an error: the caller decides what that means.
  response.on('error', () => undefined);
  try {
    for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
      if (line !== '') yield parsed(schema, line);
    }
  } catch (error) {
    if (!response.destroyed || error instanceof MobyvmError) throw error;
  }
}

function parsed<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new MobyvmError(
      'MOBYVM_CONTROL_API',
      "The daemon's answer could not be understood.",
      'The daemon is of another version: run `mobyvm down` with its own version, then `mobyvm up` with this one.',
      { cause: error },
    );
  }
}
