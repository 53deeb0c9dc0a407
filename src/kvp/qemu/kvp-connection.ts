import { abortable } from '../../core/host/index.js';
import { isKnownStatus } from '../wire/hv-status.js';
import { failedError } from '../kvp-errors.js';
import { decodeKvpStatus } from '../wire/kvp-message.codec.js';
import { KvpSocket, type KvpSocketTiming } from './kvp-socket.js';

/** Opens a connection when one is needed, again after each that broke. One caller at a time. */
export class KvpConnection {
  readonly #path: string;
  readonly #timing: KvpSocketTiming;
  #socket: KvpSocket | undefined;
  /** A request whose caller has given up; its answer is still to come and will be dropped. */
  #unfinished: Promise<unknown> = Promise.resolve();
  #opened = 0;

  constructor(path: string, timing: KvpSocketTiming) {
    this.#path = path;
    this.#timing = timing;
  }

  /** How often a connection was opened. If it has grown, the guest may have rebooted unnoticed. */
  get opened(): number {
    return this.#opened;
  }

  /**
   * @throws MobyvmError MOBYVM_KVP_NOT_READY if there is no port; MOBYVM_KVP_FAILED if the connection broke before the
   *   answer was complete, or the answer is invalid. The next call then opens a new connection.
   */
  async transact(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    // Two requests at once would both be refused by the guest's device.
    await abortable(this.#unfinished, signal);
    const socket = await this.#usableSocket(signal);
    const answer = socket.exchange(message);
    this.#unfinished = answer.catch(() => undefined);
    const bytes = await abortable(answer, signal);
    const status = decodeKvpStatus(bytes);
    if (isKnownStatus(status)) return bytes;
    socket.end('the answer made no sense');
    throw failedError(`The guest answered with the unknown status 0x${status.toString(16)}.`);
  }

  close(): void {
    this.#socket?.end('we closed the connection');
  }

  async #usableSocket(signal: AbortSignal): Promise<KvpSocket> {
    if (this.#socket?.isUsable === true) return this.#socket;
    this.#socket = await KvpSocket.open(this.#path, this.#timing, signal);
    this.#opened += 1;
    return this.#socket;
  }
}
