import { createConnection, type Socket } from 'node:net';
import { errnoOf, textOf } from '../../core/values/index.js';
import { KVP_MESSAGE_BYTES } from '../wire/kvp-frame.js';
import { failedError, notRunningError } from '../kvp-errors.js';

export interface KvpSocketTiming {
  /**
   * Nothing may have come for this long after connecting; 1,000. The guest's device takes 500 without a byte for the end of
   * an earlier conversation, and may be late to notice under load.
   */
  readonly quietMs: number;
  /** The guest's device gives up after 30 s itself; 35,000. */
  readonly answerMs: number;
  /** The rest of an answer that has begun; 2,000. */
  readonly restMs: number;
  /** Connecting and becoming quiet together; 10,000. */
  readonly openMs: number;
}

export const DEFAULT_TIMING: KvpSocketTiming = {
  quietMs: 1_000,
  answerMs: 35_000,
  restMs: 2_000,
  openMs: 10_000,
};

/**
 * A connection to QEMU's chardev, which carries complete messages: a request, then its answer. Messages are not delimited,
 * so a connection that has lost synchronization is never used again.
 *
 * INVARIANTS: at most one request is pending; bytes without a pending request end the connection; a pending request is
 * settled exactly once: by its answer, its deadline or the end of the connection.
 */
export class KvpSocket {
  readonly #socket: Socket;
  readonly #timing: KvpSocketTiming;
  #request: OpenRequest | undefined;
  #received = new Uint8Array(KVP_MESSAGE_BYTES);
  #receivedBytes = 0;
  #isQuietening = true;
  #endedBecause: string | undefined;

  private constructor(socket: Socket, timing: KvpSocketTiming) {
    this.#socket = socket;
    this.#timing = timing;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.end(textOf(error)));
    socket.on('close', () => this.end('the connection was closed'));
  }

  /**
   * Connects, and waits until no more bytes of an earlier connection can arrive.
   * @throws MobyvmError MOBYVM_KVP_NOT_READY if there is no socket, MOBYVM_KVP_FAILED if it never becomes quiet
   */
  static async open(path: string, timing: KvpSocketTiming, signal: AbortSignal): Promise<KvpSocket> {
    signal.throwIfAborted();
    const socket = createConnection({ path });
    const opened = new KvpSocket(socket, timing);
    try {
      await opened.#becomeQuiet(path, signal);
      return opened;
    } catch (error) {
      opened.end('it was not opened');
      signal.throwIfAborted();
      throw error;
    }
  }

  get isUsable(): boolean {
    return this.#endedBecause === undefined;
  }

  /** Sends a request and gives its answer. Only one at a time. @throws MobyvmError MOBYVM_KVP_FAILED */
  exchange(message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#endedBecause !== undefined) return reject(lost(this.#endedBecause));
      this.#request = { resolve, reject, timer: this.#endAfter(this.#timing.answerMs, 'it did not answer') };
      this.#socket.write(message);
    });
  }

  end(reason: string): void {
    if (this.#endedBecause !== undefined) return;
    this.#endedBecause = reason;
    this.#socket.destroy();
    const request = this.#request;
    this.#request = undefined;
    clearTimeout(request?.timer);
    request?.reject(lost(reason));
  }

  #becomeQuiet(path: string, signal: AbortSignal): Promise<void> {
    const socket = this.#socket;
    return new Promise<void>((resolve, reject) => {
      let quiet: NodeJS.Timeout | undefined;
      const restart = (): void => {
        clearTimeout(quiet);
        quiet = setTimeout(() => settle(resolve), this.#timing.quietMs);
      };
      const tooLong = setTimeout(
        () => settle(() => reject(failedError('The KVP port of the virtual machine does not become quiet.'))),
        this.#timing.openMs,
      );
      const onError = (error: Error): void => settle(() => reject(notOpened(path, error)));
      const onClose = (): void => settle(() => reject(lost('the connection was closed')));
      const onAbort = (): void => settle(() => reject(signal.reason as Error));
      const settle = (how: () => void): void => {
        clearTimeout(quiet);
        clearTimeout(tooLong);
        socket.off('connect', restart).off('data', restart).off('error', onError).off('close', onClose);
        signal.removeEventListener('abort', onAbort);
        this.#isQuietening = false;
        how();
      };
      socket.on('connect', restart).on('data', restart).on('error', onError).on('close', onClose);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isQuietening) return;
    const request = this.#request;
    if (request === undefined) return this.end('the guest sent an answer without a request');
    if (this.#receivedBytes + bytes.length > KVP_MESSAGE_BYTES) return this.end('the answer was too long');
    if (this.#receivedBytes === 0) {
      clearTimeout(request.timer);
      request.timer = this.#endAfter(this.#timing.restMs, 'the answer was torn');
    }
    this.#received.set(bytes, this.#receivedBytes);
    this.#receivedBytes += bytes.length;
    if (this.#receivedBytes < KVP_MESSAGE_BYTES) return;
    clearTimeout(request.timer);
    this.#request = undefined;
    this.#receivedBytes = 0;
    const message = this.#received;
    this.#received = new Uint8Array(KVP_MESSAGE_BYTES);
    request.resolve(message);
  }

  #endAfter(ms: number, reason: string): NodeJS.Timeout {
    return setTimeout(() => this.end(reason), ms);
  }
}

interface OpenRequest {
  readonly resolve: (message: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
  timer: NodeJS.Timeout;
}

function lost(reason: string): Error {
  return failedError(`The key-value exchange with the guest was interrupted: ${reason}.`);
}

function notOpened(path: string, error: Error): Error {
  const isAbsent = ['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '');
  if (isAbsent) return notRunningError('The virtual machine is not running.', error);
  return failedError(`The KVP port at ${path} cannot be opened: ${textOf(error)}.`, error);
}
