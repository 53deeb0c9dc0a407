import {
  sleep,
  type ListenLocally,
  type LocalAccess,
  type LocalListener,
  type LocalListenerOptions,
} from '../../core/host/index.js';
import { ERROR } from '../error-codes.js';
import { WindowsCallError } from '../windows-call-error.js';
import { pipeAccessList } from './pipe-access.plan.js';
import { PipeConnection } from './pipe-connection.js';
import { assertPipeName, pipeCallError, pipeInUseError } from './pipe-errors.js';
import type { Completion, PipeInstance, PipeSystem, ServedPipe } from './pipe-system.js';

/**
 * How many instances wait for clients. A client that finds none gets ERROR_PIPE_BUSY: Go's and Node's wait
 * and try again, docker-py sleeps a whole second.
 */
const LISTENING = 16;

/** How long to wait before an instance is tried again that could not be created. */
const RETRY_MS = 1_000;

/**
 * How long the name may stay taken by a server that has ended: its pipe exists until its clients have closed
 * their ends too. https://learn.microsoft.com/windows/win32/ipc/named-pipe-instances
 */
const FORMER_SERVER_MS = 3_000;
const POLL_MS = 100;

export interface PipeListenerOptions {
  /** Windows itself, or a simulation. */
  readonly system: PipeSystem;
  /** SIDs of users that may connect besides those that `access` names: the one who has installed mobyvm. */
  readonly users?: readonly string[];
}

/** Serves named pipes of the message type; see {@link ListenLocally}. */
export function listenOnNamedPipes({ system, users = [] }: PipeListenerOptions): ListenLocally {
  return async (options) => {
    assertPipeName(options.address);
    const sddl = pipeAccessList([...groupOf(options.access, options, system), ...users]);
    const listener = new PipeListener(system, options);
    await listener.open(sddl);
    return listener;
  };
}

function groupOf(access: LocalAccess, options: LocalListenerOptions, system: PipeSystem): readonly string[] {
  if (access.kind === 'owner only') return [];
  const sid = system.groupSid(access.name);
  if (sid !== undefined) return [sid];
  options.logger.warn('listener.group.missing', { address: options.address, group: access.name });
  return [];
}

class PipeListener implements LocalListener {
  readonly #system: PipeSystem;
  readonly #options: LocalListenerOptions;
  readonly #waiting = new Set<PipeInstance>();
  readonly #connections = new Set<PipeConnection>();
  /** Undefined until `open` has succeeded. */
  #pipe: ServedPipe | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  /** Called when the last waiting instance is closed. */
  #noneWaiting: (() => void) | undefined;

  constructor(system: PipeSystem, options: LocalListenerOptions) {
    this.#system = system;
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  get connections(): number {
    return this.#connections.size;
  }

  async open(sddl: string): Promise<void> {
    const { address } = this.#options;
    let pipe: ServedPipe | undefined;
    try {
      pipe = this.#system.open({ name: address, sddl });
      const first = await this.#first(pipe);
      this.#pipe = pipe;
      this.#await(first);
      this.#replenish();
    } catch (error) {
      pipe?.close();
      throw pipeCallError(address, error);
    }
  }

  /** A named pipe cannot be deleted behind our back. */
  restore(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The first instance proves that nobody else serves the name; the others may only be added to ours. */
  async #first(pipe: ServedPipe): Promise<PipeInstance> {
    const { address, signal } = this.#options;
    const deadline = performance.now() + FORMER_SERVER_MS;
    for (;;) {
      signal?.throwIfAborted();
      const instance = this.#system.exists(address) ? undefined : createFirst(pipe);
      if (instance !== undefined) return instance;
      const owner = this.#system.owner(address);
      if (owner !== undefined || performance.now() >= deadline) throw pipeInUseError(address, owner);
      await sleep(POLL_MS, signal);
    }
  }

  #replenish(): void {
    if (this.#retry !== undefined) return;
    try {
      while (this.#pipe !== undefined && this.#closing === undefined && this.#waiting.size < LISTENING)
        this.#await(this.#pipe.createInstance(false));
    } catch (error) {
      if (!(error instanceof WindowsCallError)) throw error;
      const { address, logger } = this.#options;
      logger.error('listener.accept.failed', { address, error: error.message, errno: error.code });
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#replenish();
      }, RETRY_MS).unref();
    }
  }

  #await(instance: PipeInstance): void {
    this.#waiting.add(instance);
    instance.onCompleted = (_operation, completion) => this.#connected(instance, completion);
    const completion = instance.connect();
    // A client was faster. Not at once, so that `listen` has returned by then.
    if (completion !== undefined) setImmediate(() => this.#connected(instance, completion));
  }

  #connected(instance: PipeInstance, { error }: Completion): void {
    this.#waiting.delete(instance);
    const isConnected = error === ERROR.success || error === ERROR.pipeConnected;
    if (!isConnected || this.#closing !== undefined) instance.close();
    else this.#accept(instance);
    if (this.#closing === undefined) this.#replenish();
    else if (this.#waiting.size === 0) this.#noneWaiting?.();
  }

  #accept(instance: PipeInstance): void {
    const { address, highWaterMark, logger, onConnection } = this.#options;
    const connection = new PipeConnection(instance, highWaterMark);
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
    // 'close' follows every error. Without a listener, an error before the server attaches its own would be
    // uncaught.
    connection.on('error', () => undefined);
    logger.debug('listener.client.connected', { address, pid: instance.clientPid() });
    onConnection(connection, undefined);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#pipe === undefined) return;
    const noneWaiting = new Promise<void>((resolve) => {
      this.#noneWaiting = resolve;
      if (this.#waiting.size === 0) resolve();
    });
    const closed = [...this.#connections].map(
      (connection) => new Promise((resolve) => connection.once('close', resolve)),
    );
    for (const instance of this.#waiting) instance.cancel();
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([noneWaiting, ...closed]);
    this.#pipe.close();
    this.#pipe = undefined;
  }
}

function createFirst(pipe: ServedPipe): PipeInstance | undefined {
  try {
    return pipe.createInstance(true);
  } catch (error) {
    if (error instanceof WindowsCallError && error.windowsCode === ERROR.accessDenied) return undefined;
    throw error;
  }
}
