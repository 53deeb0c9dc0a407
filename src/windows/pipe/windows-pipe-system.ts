import { closeHandle } from '../calls/handles.js';
import { lastError, getLastError } from '../calls/last-error.js';
import { INVALID_HANDLE, type Address, type Handle } from '../calls/libraries.js';
import { allocate, type NativeMemory } from '../calls/memory.js';
import {
  clientProcessId,
  connectNamedPipe,
  createNamedPipe,
  pipeExists,
  serverProcessId,
} from '../calls/named-pipe.js';
import {
  cancelIoEx,
  OVERLAPPED,
  overlappedError,
  readFile,
  skipCompletionOnSuccess,
  writeFile,
} from '../calls/overlapped-io.js';
import { programOf } from '../calls/processes.js';
import { groupSid, localFree, securityDescriptor } from '../calls/security.js';
import { ERROR } from '../error-codes.js';
import { CompletionPort } from './completion-port.js';
import {
  PIPE_BUFFER_BYTES,
  READ_BYTES,
  type Completion,
  type PipeInstance,
  type PipeOperation,
  type PipeOptions,
  type PipeSystem,
  type ReadSize,
  type ServedPipe,
} from './pipe-system.js';

/** How many large read buffers are kept for the next connection that carries data. */
const SPARE_BUFFERS = 8;

/** The pipes of Windows itself. */
export class WindowsPipeSystem implements PipeSystem {
  readonly #port = new CompletionPort();
  readonly #buffers = new LargeBuffers();

  open({ name, sddl }: PipeOptions): ServedPipe {
    const descriptor = securityDescriptor(sddl);
    return {
      createInstance: (isFirst) => this.#createInstance(name, descriptor, isFirst),
      close: () => void localFree(descriptor),
    };
  }

  exists(name: string): boolean {
    return pipeExists(name);
  }

  owner(name: string): { readonly program: string; readonly pid: number } | undefined {
    const pid = serverProcessId(name);
    return pid === undefined ? undefined : { program: programOf(pid) ?? 'a process', pid };
  }

  groupSid(name: string): string | undefined {
    return groupSid(name);
  }

  async close(): Promise<void> {
    await this.#port.close();
    this.#buffers.free();
  }

  #createInstance(name: string, descriptor: Address, isFirst: boolean): PipeInstance {
    const handle = createNamedPipe({ name, descriptor, isFirst, bufferBytes: PIPE_BUFFER_BYTES });
    if (handle === INVALID_HANDLE) throw lastError('CreateNamedPipeW');
    try {
      return new WindowsPipeInstance(handle, this.#port, this.#buffers);
    } catch (error) {
      closeHandle(handle);
      throw error;
    }
  }
}

/** Read buffers of connections that carry data, outside of V8's heap. */
export class LargeBuffers {
  readonly #spare: NativeMemory[] = [];

  take(): NativeMemory {
    return this.#spare.pop() ?? allocate(READ_BYTES.large);
  }

  giveBack(buffer: NativeMemory): void {
    if (this.#spare.length < SPARE_BUFFERS) this.#spare.push(buffer);
    else buffer.free();
  }

  free(): void {
    for (const buffer of this.#spare.splice(0)) buffer.free();
  }
}

// An instance's memory: one OVERLAPPED for connect and read, one for write, then the small read buffer.
const READ_OVERLAPPED = 0;
const WRITE_OVERLAPPED = OVERLAPPED.length;
const SMALL_BUFFER = 2 * OVERLAPPED.length;

/** The overlapped calls of one handle, of a server's end or a client's. */
export class WindowsPipeInstance implements PipeInstance {
  onCompleted: (operation: PipeOperation, completion: Completion) => void = () => undefined;
  readonly #handle: Handle;
  readonly #port: CompletionPort;
  readonly #key: number;
  readonly #buffers: LargeBuffers;
  readonly #memory = allocate(SMALL_BUFFER + READ_BYTES.small);
  readonly #writeAddress = this.#memory.address + BigInt(WRITE_OVERLAPPED);
  readonly #writeNumber = Number(this.#writeAddress);
  readonly #smallAddress = this.#memory.address + BigInt(SMALL_BUFFER);
  #large: NativeMemory | undefined;
  #isConnecting = false;
  /** Bytes of a read that has brought part of a message at once; see `read`. */
  #part: number | undefined;
  /** What is being written, so that its memory stays. */
  #writing: Buffer | undefined;

  constructor(handle: Handle, port: CompletionPort, buffers: LargeBuffers) {
    this.#handle = handle;
    this.#port = port;
    this.#buffers = buffers;
    try {
      skipCompletionOnSuccess(handle);
      this.#key = port.add(handle, (overlapped, bytes) => this.#completed(overlapped, bytes));
    } catch (error) {
      this.#memory.free();
      throw error;
    }
  }

  connect(): Completion | undefined {
    this.#clear(READ_OVERLAPPED);
    if (connectNamedPipe(this.#handle, this.#memory.address) !== 0) return { error: ERROR.success, bytes: 0 };
    const error = getLastError();
    if (error !== ERROR.ioPending) return { error, bytes: 0 };
    this.#isConnecting = true;
    return undefined;
  }

  clientPid(): number | undefined {
    return clientProcessId(this.#handle);
  }

  /**
   * Part of a message is a warning (ERROR_MORE_DATA), and no page says whether one that a call returns at once
   * is queued to the port as well. So we queue one ourselves, which is taken out after the system's: whichever
   * of the two there are, the second one ends the read.
   */
  read(size: ReadSize): Completion | undefined {
    this.#clear(READ_OVERLAPPED);
    const into = this.#readBuffer(size);
    if (readFile(this.#handle, into, READ_BYTES[size], null, this.#memory.address) !== 0)
      return { error: ERROR.success, bytes: this.#transferred(READ_OVERLAPPED) };
    const error = getLastError();
    if (error === ERROR.ioPending) return undefined;
    if (error !== ERROR.moreData) return { error, bytes: 0 };
    this.#part = this.#transferred(READ_OVERLAPPED);
    this.#port.post(this.#key, this.#part);
    return undefined;
  }

  received(bytes: number): Buffer {
    const from = this.#large?.bytes ?? this.#memory.bytes.subarray(SMALL_BUFFER);
    return Buffer.from(from.subarray(0, bytes));
  }

  write(chunk: Buffer): Completion | undefined {
    this.#clear(WRITE_OVERLAPPED);
    if (writeFile(this.#handle, chunk, chunk.length, null, this.#writeAddress) !== 0)
      return { error: ERROR.success, bytes: chunk.length };
    const error = getLastError();
    if (error !== ERROR.ioPending) return { error, bytes: 0 };
    this.#writing = chunk;
    return undefined;
  }

  cancel(): void {
    cancelIoEx(this.#handle, null);
  }

  close(): void {
    closeHandle(this.#handle);
    this.#port.forget(this.#key);
    this.#giveLargeBack();
    this.#memory.free();
  }

  #completed(overlapped: number, bytes: number): void {
    if (overlapped === 0) {
      this.#part = undefined;
      this.onCompleted('read', { error: ERROR.moreData, bytes });
    } else if (overlapped === this.#writeNumber) {
      this.#writing = undefined;
      this.onCompleted('write', this.#result(WRITE_OVERLAPPED, bytes));
    } else if (this.#part === undefined) {
      const operation = this.#isConnecting ? 'connect' : 'read';
      this.#isConnecting = false;
      this.onCompleted(operation, this.#result(READ_OVERLAPPED, bytes));
    }
  }

  #result(offset: number, bytes: number): Completion {
    const isSuccess = this.#memory.bytes.readUInt32LE(offset + OVERLAPPED.status) === 0;
    if (isSuccess) return { error: ERROR.success, bytes };
    return { error: overlappedError(this.#handle, this.#memory.address + BigInt(offset)), bytes };
  }

  #readBuffer(size: ReadSize): Address {
    if (size === 'large') {
      this.#large ??= this.#buffers.take();
      return this.#large.address;
    }
    this.#giveLargeBack();
    return this.#smallAddress;
  }

  #giveLargeBack(): void {
    if (this.#large !== undefined) this.#buffers.giveBack(this.#large);
    this.#large = undefined;
  }

  #transferred(offset: number): number {
    return this.#memory.bytes.readUInt32LE(offset + OVERLAPPED.transferred);
  }

  #clear(offset: number): void {
    this.#memory.bytes.fill(0, offset, offset + OVERLAPPED.length);
  }
}
