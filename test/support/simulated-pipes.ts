import { ERROR } from '../../src/windows/error-codes.js';
import {
  PIPE_BUFFER_BYTES,
  READ_BYTES,
  type Completion,
  type PipeInstance,
  type PipeOperation,
  type PipeOptions,
  type PipeOwner,
  type PipeSystem,
  type ReadSize,
  type ServedPipe,
} from '../../src/windows/pipe/pipe-system.js';
import { WindowsCallError } from '../../src/windows/windows-call-error.js';

/**
 * The file system of named pipes, as Windows documents it for message-type pipes in message-read mode: a write is
 * one message; a read takes at most one and says `moreData` if it has left some of it; a message of zero bytes
 * is read as such; a writer waits while the buffer is full; what was written can be read after the writer has
 * closed; a name exists while one of its instances does. Misuse that would corrupt memory on Windows throws.
 */
export class SimulatedPipes implements PipeSystem {
  readonly #pipes = new Map<string, NamedPipe>();
  readonly #groups: ReadonlyMap<string, string>;
  readonly #maxInstances: number;
  /** Set to let the next new instances fail with that error. */
  failure: number | undefined;

  constructor(groups: readonly string[] = [], maxInstances = Number.POSITIVE_INFINITY) {
    this.#groups = new Map(groups.map((name, index) => [name, `S-1-5-21-1-2-3-${1000 + index}`]));
    this.#maxInstances = maxInstances;
  }

  open({ name, sddl }: PipeOptions): ServedPipe {
    return {
      createInstance: (isFirst) => {
        if (this.failure !== undefined) throw new WindowsCallError('CreateNamedPipeW', this.failure);
        return this.#create({ name, sddl }, isFirst);
      },
      close: () => undefined,
    };
  }

  exists(name: string): boolean {
    return this.#pipes.has(name);
  }

  owner(name: string): PipeOwner | undefined {
    return this.#listening(name) === undefined ? undefined : { program: 'node.exe', pid: process.pid };
  }

  groupSid(name: string): string | undefined {
    return this.#groups.get(name);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The access list that the pipe was created with. */
  accessList(name: string): string | undefined {
    return this.#pipes.get(name)?.sddl;
  }

  /** A client's end. @throws WindowsCallError with fileNotFound, or pipeBusy if no instance is waiting */
  openClient(name: string): ClientHandle {
    if (!this.#pipes.has(name)) throw new WindowsCallError('CreateFileW', ERROR.fileNotFound);
    const instance = this.#listening(name);
    if (instance === undefined) throw new WindowsCallError('CreateFileW', ERROR.pipeBusy);
    return instance.openClient();
  }

  #listening(name: string): ServerEnd | undefined {
    return [...(this.#pipes.get(name)?.instances ?? [])].find((instance) => instance.isListening);
  }

  #create({ name, sddl }: PipeOptions, isFirst: boolean): PipeInstance {
    const pipe = this.#pipes.get(name) ?? { sddl, instances: new Set() };
    if (isFirst && this.#pipes.has(name)) throw new WindowsCallError('CreateNamedPipeW', ERROR.accessDenied);
    if (pipe.instances.size >= this.#maxInstances)
      throw new WindowsCallError('CreateNamedPipeW', ERROR.pipeBusy);
    this.#pipes.set(name, pipe);
    const instance = new ServerEnd(() => {
      pipe.instances.delete(instance);
      if (pipe.instances.size === 0 && this.#pipes.get(name) === pipe) this.#pipes.delete(name);
    });
    pipe.instances.add(instance);
    return instance;
  }
}

interface NamedPipe {
  readonly sddl: string;
  readonly instances: Set<ServerEnd>;
}

type Complete = (completion: Completion) => void;

/** One direction of a connection. */
class Direction {
  readonly #messages: { bytes: Buffer; readonly written: Complete | undefined }[] = [];
  #reader:
    { readonly into: number; readonly complete: (completion: Completion, data: Buffer) => void } | undefined;
  #isWriterClosed = false;
  #isReaderClosed = false;

  /** @returns undefined if it waits */
  write(bytes: Buffer, complete: Complete): Completion | undefined {
    if (this.#isReaderClosed) return { error: ERROR.noData, bytes: 0 };
    const queued = this.#messages.reduce((sum, message) => sum + message.bytes.length, 0);
    const waits = bytes.length > 0 && queued + bytes.length > PIPE_BUFFER_BYTES;
    this.#messages.push({
      // A waiting write is read from the writer's memory, which must not change until then.
      bytes: waits ? bytes : Buffer.from(bytes),
      written: waits ? complete : undefined,
    });
    this.#serveReader();
    return waits && this.#messages.length > 0 ? undefined : { error: ERROR.success, bytes: bytes.length };
  }

  read(
    into: number,
    complete: (completion: Completion, data: Buffer) => void,
  ): { readonly completion: Completion; readonly data: Buffer } | undefined {
    if (this.#reader !== undefined) throw new TypeError('two reads at once');
    const taken = this.#take(into);
    if (taken === undefined) this.#reader = { into, complete };
    return taken;
  }

  cancelRead(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.complete({ error: ERROR.operationAborted, bytes: 0 }, Buffer.alloc(0));
  }

  cancelWrites(): void {
    for (const message of this.#messages.splice(0)) {
      if (message.written === undefined) this.#messages.push(message);
      else message.written({ error: ERROR.operationAborted, bytes: 0 });
    }
  }

  closeWriter(): void {
    this.#isWriterClosed = true;
    this.#serveReader();
  }

  closeReader(): void {
    this.#isReaderClosed = true;
    for (const { written } of this.#messages.splice(0)) written?.({ error: ERROR.brokenPipe, bytes: 0 });
  }

  #serveReader(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const taken = this.#take(reader.into);
    if (taken === undefined) return;
    this.#reader = undefined;
    reader.complete(taken.completion, taken.data);
  }

  #take(into: number): { readonly completion: Completion; readonly data: Buffer } | undefined {
    const message = this.#messages[0];
    if (message === undefined)
      return this.#isWriterClosed
        ? { completion: { error: ERROR.brokenPipe, bytes: 0 }, data: Buffer.alloc(0) }
        : undefined;
    const data = Buffer.from(message.bytes.subarray(0, into));
    const isRest = data.length < message.bytes.length;
    if (isRest) message.bytes = message.bytes.subarray(data.length);
    else this.#messages.shift();
    if (!isRest) message.written?.({ error: ERROR.success, bytes: data.length });
    return { completion: { error: isRest ? ERROR.moreData : ERROR.success, bytes: data.length }, data };
  }
}

class ServerEnd implements PipeInstance {
  onCompleted: (operation: PipeOperation, completion: Completion) => void = () => undefined;
  readonly #released: () => void;
  readonly #toServer = new Direction();
  readonly #toClient = new Direction();
  #connecting = false;
  #client: ClientHandle | undefined;
  #isClosed = false;
  readonly #inProgress = new Set<PipeOperation>();
  #data: Buffer = Buffer.alloc(0);
  #writing: { readonly chunk: Buffer; readonly copy: Buffer } | undefined;

  constructor(released: () => void) {
    this.#released = released;
  }

  get isListening(): boolean {
    return this.#client === undefined && !this.#isClosed;
  }

  openClient(): ClientHandle {
    const client = new ClientHandle(this.#toServer, this.#toClient, () => this.#releaseIfClosed());
    this.#client = client;
    if (this.#connecting) this.#complete('connect', { error: ERROR.success, bytes: 0 });
    return client;
  }

  connect(): Completion | undefined {
    this.#assertOpen();
    if (this.#client?.isClosed === true) return { error: ERROR.noData, bytes: 0 };
    if (this.#client !== undefined) return { error: ERROR.pipeConnected, bytes: 0 };
    this.#begin('connect');
    this.#connecting = true;
    return undefined;
  }

  clientPid(): number | undefined {
    return process.pid;
  }

  read(size: ReadSize): Completion | undefined {
    this.#assertOpen();
    this.#begin('read');
    const taken = this.#toServer.read(READ_BYTES[size], (completion, data) => {
      this.#data = data;
      this.#complete('read', completion);
    });
    if (taken === undefined) return undefined;
    this.#inProgress.delete('read');
    this.#data = taken.data;
    return taken.completion;
  }

  received(bytes: number): Buffer {
    return Buffer.from(this.#data.subarray(0, bytes));
  }

  write(chunk: Buffer): Completion | undefined {
    this.#assertOpen();
    if (chunk.length === 0) throw new TypeError('the server never writes an empty message');
    this.#begin('write');
    this.#writing = { chunk, copy: Buffer.from(chunk) };
    const done = this.#toClient.write(chunk, (completion) => this.#complete('write', completion));
    if (done !== undefined) this.#inProgress.delete('write');
    return done;
  }

  cancel(): void {
    this.#assertOpen();
    if (this.#connecting) this.#complete('connect', { error: ERROR.operationAborted, bytes: 0 });
    this.#toServer.cancelRead();
    this.#toClient.cancelWrites();
  }

  close(): void {
    this.#assertOpen();
    if (this.#inProgress.size > 0) throw new TypeError(`closed during ${[...this.#inProgress].join(', ')}`);
    this.#isClosed = true;
    this.#toClient.closeWriter();
    this.#toServer.closeReader();
    this.#releaseIfClosed();
  }

  /** An instance exists until both ends are closed. */
  #releaseIfClosed(): void {
    if (this.#isClosed && (this.#client === undefined || this.#client.isClosed)) this.#released();
  }

  #begin(operation: PipeOperation): void {
    if (this.#inProgress.has(operation)) throw new TypeError(`two operations at once: ${operation}`);
    this.#inProgress.add(operation);
  }

  /** Completions come from the port, never from within a call. */
  #complete(operation: PipeOperation, completion: Completion): void {
    if (operation === 'connect') this.#connecting = false;
    setImmediate(() => {
      if (operation === 'write' && this.#writing?.chunk.equals(this.#writing.copy) === false)
        throw new TypeError('bytes were changed while they were written');
      this.#inProgress.delete(operation);
      this.onCompleted(operation, completion);
    });
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new TypeError('used after it was closed');
  }
}

/** A client's end: calls complete through promises. */
export class ClientHandle {
  readonly #toServer: Direction;
  readonly #toClient: Direction;
  readonly #released: () => void;
  isClosed = false;

  constructor(toServer: Direction, toClient: Direction, released: () => void) {
    this.#toServer = toServer;
    this.#toClient = toClient;
    this.#released = released;
  }

  /** One message. @throws WindowsCallError */
  async write(bytes: Buffer): Promise<void> {
    const { error } = await new Promise<Completion>((resolve) => {
      const done = this.#toServer.write(bytes, resolve);
      if (done !== undefined) resolve(done);
    });
    if (error !== ERROR.success) throw new WindowsCallError('WriteFile', error);
  }

  /** Data of one message or a part of it; undefined when the server has closed the pipe. */
  async read(): Promise<Buffer | undefined> {
    const { completion, data } = await new Promise<{ completion: Completion; data: Buffer }>((resolve) => {
      const taken = this.#toClient.read(READ_BYTES.large, (completion, data) =>
        resolve({ completion, data }),
      );
      if (taken !== undefined) resolve(taken);
    });
    return completion.error === ERROR.success || completion.error === ERROR.moreData ? data : undefined;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#toClient.cancelRead();
    this.#toServer.closeWriter();
    this.#toClient.closeReader();
    this.#released();
  }
}
