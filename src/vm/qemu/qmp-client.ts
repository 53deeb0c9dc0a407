import { createConnection, type Socket } from 'node:net';
import { Listeners } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import {
  decodeQmpMessage,
  encodeQmpCommand,
  splitQmpLines,
  type JsonObject,
  type QmpMessage,
} from './qmp.codec.js';
import { checkedSocketPath } from './socket-path.js';

export interface QmpEvent {
  /** For example `SHUTDOWN`. */
  readonly name: string;
  readonly data: JsonObject;
}

export interface QmpCallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for the answer; defaults to 5,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * A connection to a QEMU monitor (https://www.qemu.org/docs/master/interop/qmp-spec.html). QEMU serves one
 * client at a time: a second one gets no greeting until the first has disconnected. Every wait has a
 * deadline.
 *
 * INVARIANTS: every entry of `#calls` is settled exactly once, by its answer, its deadline, its signal or the
 * end of the connection.
 */
export class QmpClient {
  readonly #socket: Socket;
  readonly #calls = new Map<number, Call>();
  readonly #events = new Listeners<QmpEvent>();
  readonly #closed = new Listeners();
  #unfinished = new Uint8Array(0);
  #lastId = 0;
  #closedBecause: string | undefined;
  #onGreeting: ((version: string) => void) | undefined;
  #version = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.#end(textOf(error)));
    socket.on('close', () => this.#end('QEMU closed the connection'));
  }

  /**
   * Connects, reads the greeting and leaves negotiation mode.
   * @throws MobyvmError MOBYVM_QMP if there is no monitor, or none that answers in time
   */
  static async connect(path: string, options: QmpCallOptions = {}): Promise<QmpClient> {
    options.signal?.throwIfAborted();
    const client = new QmpClient(createConnection({ path: checkedSocketPath(path) }));
    try {
      client.#version = await client.#greeting(options);
      await client.execute('qmp_capabilities', {}, options);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** QEMU's version, for example `7.2.22`. */
  get version(): string {
    return this.#version;
  }

  get isClosed(): boolean {
    return this.#closedBecause !== undefined;
  }

  /**
   * Runs a command and resolves to its `return` value, which the caller parses.
   * @throws MobyvmError MOBYVM_QMP; `details.errorClass` is set if QEMU itself returned an error
   */
  async execute(command: string, args: JsonObject = {}, options: QmpCallOptions = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return this.#settled(command, options, (call) => {
      this.#calls.set(id, call);
      this.#socket.write(encodeQmpCommand({ execute: command, arguments: args, id }));
      return () => void this.#calls.delete(id);
    });
  }

  /** Returns the unsubscribe function. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    return this.#events.add(listener);
  }

  /** Called once when the connection has ended, on either side. Returns the unsubscribe function. */
  onClose(listener: () => void): () => void {
    return this.#closed.add(listener);
  }

  close(): void {
    this.#end('the connection was closed');
  }

  #greeting(options: QmpCallOptions): Promise<string> {
    return this.#settled('greeting', options, (call) => {
      this.#onGreeting = call.resolve;
      return () => {
        this.#onGreeting = undefined;
      };
    });
  }

  /**
   * One wait with a deadline and a signal. `begin` registers the call and returns the function that
   * unregisters it.
   */
  async #settled<T>(
    what: string,
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: QmpCallOptions,
    begin: (call: Call<T>) => () => void,
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#closedBecause !== undefined) throw notConnectedError(what, this.#closedBecause);
    let cleanUp = (): void => undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => reject(timeoutError(what, timeoutMs)), timeoutMs);
        const onAbort = (): void => reject(notConnectedError(what, 'the wait was aborted'));
        signal?.addEventListener('abort', onAbort, { once: true });
        const onClosed = this.onClose(() => reject(notConnectedError(what, this.#closedBecause ?? '')));
        const forget = begin({ command: what, resolve, reject });
        cleanUp = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          onClosed();
          forget();
        };
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      cleanUp();
    }
  }

  #receive(bytes: Uint8Array): void {
    try {
      const { lines, unfinished } = splitQmpLines(this.#unfinished, bytes);
      this.#unfinished = new Uint8Array(unfinished);
      for (const line of lines) this.#handle(decodeQmpMessage(line));
    } catch (error) {
      this.#end(textOf(error));
    }
  }

  #handle(message: QmpMessage): void {
    switch (message.kind) {
      case 'greeting':
        this.#onGreeting?.(message.version);
        return;
      case 'event':
        if (this.#closedBecause === undefined) this.#events.emit(message);
        return;
      case 'return':
        this.#callOf(message.id)?.resolve(message.value);
        return;
      case 'error': {
        const call = this.#callOf(message.id);
        call?.reject(commandError(call.command, message.errorClass, message.description));
        return;
      }
      case 'unknown':
        return;
    }
  }

  /** The call of a late answer is already gone, so the answer is dropped. */
  #callOf(id: number | undefined): Call | undefined {
    return id === undefined ? undefined : this.#calls.get(id);
  }

  #end(reason: string): void {
    if (this.#closedBecause !== undefined) return;
    this.#closedBecause = reason;
    this.#socket.destroy();
    this.#closed.emit();
  }
}

interface Call<T = unknown> {
  readonly command: string;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

const REMEDY = 'See the log. If the VM does not respond, stop it with `mobyvm down`.';

function timeoutError(command: string, timeoutMs: number): MobyvmError {
  const message = `QEMU did not answer "${command}" within ${timeoutMs / 1000} s.`;
  return new MobyvmError('MOBYVM_QMP', message, REMEDY, { details: { command, timeoutMs } });
}

function notConnectedError(command: string, reason: string): MobyvmError {
  const message = `Cannot send "${command}" to QEMU: ${reason}.`;
  return new MobyvmError('MOBYVM_QMP', message, REMEDY, { details: { command } });
}

function commandError(command: string, errorClass: string, description: string): MobyvmError {
  const message = `QEMU rejected "${command}": ${description}`;
  return new MobyvmError('MOBYVM_QMP', message, REMEDY, { details: { command, errorClass } });
}
