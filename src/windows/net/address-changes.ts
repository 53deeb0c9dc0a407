import { createEvent } from '../calls/events.js';
import { closeHandle } from '../calls/handles.js';
import { cancelIpChangeNotify, notifyAddrChange } from '../calls/ip-helper.js';
import { lastError } from '../calls/last-error.js';
import { allocate } from '../calls/memory.js';
import { OVERLAPPED } from '../calls/overlapped-io.js';
import { WAIT, waitForSingleObject } from '../calls/processes.js';
import { ERROR } from '../error-codes.js';
import type { AddressChanges } from './changes.js';

/** The handle of the event is the last field of OVERLAPPED. */
const EVENT = 24;

/**
 * Asks Windows for the next change of the host's addresses. The event is looked at instead of waited for: a wait
 * takes a thread, and one of NotifyIpInterfaceChange's would call back while it is cancelled.
 */
export class WindowsAddressChanges implements AddressChanges {
  readonly #memory = allocate(OVERLAPPED.length);
  readonly #event = createEvent(null, 0, 0, null);
  #isWaiting = false;
  #isClosed = false;

  /** @throws WindowsCallError */
  constructor() {
    if (this.#event === 0) throw lastError('CreateEventW');
    this.#ask();
  }

  take(): boolean {
    if (this.#isClosed) return false;
    if (this.#isWaiting && waitForSingleObject(this.#event, 0) !== WAIT.object) return false;
    // True after a refusal as well: no change would be reported any more.
    this.#ask();
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isWaiting) cancelIpChangeNotify(this.#memory.address);
    // The memory is Windows' until the event is signalled: rather lose it than free it too early.
    const isOver = !this.#isWaiting || waitForSingleObject(this.#event, 0) === WAIT.object;
    if (!isOver) return;
    closeHandle(this.#event);
    this.#memory.free();
  }

  #ask(): void {
    this.#memory.bytes.fill(0);
    this.#memory.bytes.writeBigInt64LE(BigInt(this.#event), EVENT);
    const handle = new BigInt64Array(new ArrayBuffer(8));
    const code = notifyAddrChange(handle, this.#memory.address);
    this.#isWaiting = code === ERROR.ioPending || code === ERROR.success;
  }
}
