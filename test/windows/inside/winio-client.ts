import { Duplex } from 'node:stream';
import { INVALID_HANDLE, type Handle } from '../../../src/windows/calls/libraries.js';
import { createFileW } from '../../../src/windows/calls/named-pipe.js';
import { lastError } from '../../../src/windows/calls/last-error.js';
import { accessListOf } from '../../../src/windows/calls/security.js';
import { closeHandle } from '../../../src/windows/calls/handles.js';
import { ERROR } from '../../../src/windows/error-codes.js';
import { CompletionPort } from '../../../src/windows/pipe/completion-port.js';
import type { Completion } from '../../../src/windows/pipe/pipe-system.js';
import { LargeBuffers, WindowsPipeInstance } from '../../../src/windows/pipe/windows-pipe-system.js';
import { WindowsCallError } from '../../../src/windows/windows-call-error.js';

const GENERIC_READ_WRITE = 0xc000_0000;
const READ_CONTROL = 0x0002_0000;
const OPEN_EXISTING = 3;
const FILE_FLAG_OVERLAPPED = 0x4000_0000;
/** As go-winio's: https://github.com/microsoft/go-winio/blob/main/pipe.go (tryDialPipe). */
const BUSY_DELAY_MS = 10;
const BUSY_LIMIT_MS = 10_000;

/** @throws WindowsCallError */
function open(name: string, access: number): Handle {
  const handle = createFileW(name, access, 0, null, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, 0);
  if (handle === INVALID_HANDLE) throw lastError('CreateFileW');
  return handle;
}

/** The access list of a pipe as Windows has kept it. */
export function pipeAccessListOf(name: string): string {
  const handle = open(name, READ_CONTROL);
  const list = accessListOf(handle);
  closeHandle(handle);
  return list;
}

/**
 * Clients like go-winio's, which Docker's command line uses: overlapped calls, byte-read mode, a message of zero
 * bytes to end their input; a busy pipe is tried again.
 */
export class WinioClients {
  readonly #port = new CompletionPort();
  readonly #buffers = new LargeBuffers();

  async connect(name: string): Promise<WinioClient> {
    const deadline = performance.now() + BUSY_LIMIT_MS;
    for (;;) {
      try {
        const handle = open(name, GENERIC_READ_WRITE);
        return new WinioClient(new WindowsPipeInstance(handle, this.#port, this.#buffers));
      } catch (error) {
        const isBusy = error instanceof WindowsCallError && error.windowsCode === ERROR.pipeBusy;
        if (!isBusy || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, BUSY_DELAY_MS));
      }
    }
  }

  async close(): Promise<void> {
    await this.#port.close();
    this.#buffers.free();
  }
}

type Done = (error?: Error | null) => void;

class WinioClient extends Duplex {
  readonly #instance: WindowsPipeInstance;
  #reading = false;
  #written: Done | undefined;
  #closed: (() => void) | undefined;

  constructor(instance: WindowsPipeInstance) {
    super({ allowHalfOpen: true });
    this.#instance = instance;
    instance.onCompleted = (operation, completion) => {
      if (operation === 'write') this.#wrote(completion);
      else this.#read(completion);
      this.#closeIfIdle();
    };
  }

  override _read(): void {
    if (this.#reading || this.destroyed) return;
    this.#reading = true;
    const completion = this.#instance.read('large');
    if (completion === undefined) return;
    setImmediate(() => {
      this.#read(completion);
      this.#closeIfIdle();
    });
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#written = done;
    const completion = this.#instance.write(chunk);
    if (completion !== undefined) this.#wrote(completion);
  }

  override _final(done: Done): void {
    // The server may have closed the pipe already.
    this._write(Buffer.alloc(0), '', () => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#closed = () => done(error);
    if (this.#reading || this.#written !== undefined) this.#instance.cancel();
    this.#closeIfIdle();
  }

  #read({ error, bytes }: Completion): void {
    this.#reading = false;
    if (this.destroyed) return;
    const isData = error === ERROR.success || error === ERROR.moreData;
    if (isData && bytes > 0) {
      this.push(this.#instance.received(bytes));
      return;
    }
    this.push(null);
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }

  #wrote({ error }: Completion): void {
    const done = this.#written;
    this.#written = undefined;
    done?.(error === ERROR.success ? null : new WindowsCallError('WriteFile', error));
  }

  #closeIfIdle(): void {
    if (this.#reading || this.#written !== undefined || this.#closed === undefined) return;
    const closed = this.#closed;
    this.#closed = undefined;
    this.#instance.close();
    closed();
  }
}
