import { Duplex } from 'node:stream';
import { ERROR } from '../error-codes.js';
import { WindowsCallError } from '../windows-call-error.js';
import {
  READ_BYTES,
  type Completion,
  type PipeInstance,
  type PipeOperation,
  type ReadSize,
} from './pipe-system.js';

type Done = (error?: Error | null) => void;

interface Write {
  readonly chunk: Buffer;
  readonly done: Done;
  offset: number;
}

/**
 * How many reads may succeed at once before other connections get their turn: a client that writes fast would
 * otherwise hold the event loop.
 */
const READS_PER_TURN = 8;

/** Largest message that is written. A larger one than the pipe's buffer would wait for the client as a whole. */
const MESSAGE_BYTES = 64 * 1024;

/** A client that has closed its end, or whose end was closed with ours. */
const GONE: readonly number[] = [ERROR.brokenPipe, ERROR.noData, ERROR.pipeNotConnected];

/**
 * One client of a message-type pipe. Message boundaries carry no meaning, except that a message of zero bytes
 * ends the client's input: that is how Docker's clients close their writing side (CloseWrite in
 * https://github.com/microsoft/go-winio/blob/main/pipe.go).
 *
 * INVARIANTS: a read is in progress, or scheduled, whenever the stream wants data and after the end of the
 * input, because only a read reports that the client has closed its end. The instance is closed when nothing
 * is in progress.
 */
export class PipeConnection extends Duplex {
  readonly #instance: PipeInstance;
  #readSize: ReadSize = 'small';
  #isReading = false;
  #readsInTurn = 0;
  #isInputOver = false;
  #isClientGone = false;
  #write: Write | undefined;
  #closed: (() => void) | undefined;

  constructor(instance: PipeInstance, highWaterMark: number | undefined) {
    super({ allowHalfOpen: true, ...(highWaterMark === undefined ? {} : { highWaterMark }) });
    this.#instance = instance;
    instance.onCompleted = (operation, completion) => this.#completed(operation, completion);
  }

  override _read(): void {
    if (!this.#isInputOver) this.#receive();
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    // As a message, no bytes would be an end.
    if (chunk.length === 0) {
      done();
      return;
    }
    this.#write = { chunk, done, offset: 0 };
    this.#send(this.#write);
  }

  /** Joins what has been waiting, since each message costs a call here and another one in the client. */
  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), '', done);
  }

  /**
   * Closes the pipe, because a message of zero bytes ends the input of Docker's clients only: Node's wait
   * for the pipe to close (https://github.com/containers/gvisor-tap-vsock/issues/620).
   */
  override _final(done: Done): void {
    done();
    this.destroy();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#closed = () => done(error);
    if (this.#isReading || this.#write !== undefined) this.#instance.cancel();
    this.#closeIfIdle();
  }

  #completed(operation: PipeOperation, completion: Completion): void {
    if (operation === 'write') {
      const write = this.#write;
      if (write !== undefined && !this.#sent(write, completion)) this.#send(write);
    } else {
      this.#isReading = false;
      this.#readsInTurn = 0;
      if (!this.destroyed) this.#received(completion);
    }
    this.#closeIfIdle();
  }

  #receive(): void {
    if (this.#isReading || this.#isClientGone || this.destroyed) return;
    if (this.#readsInTurn >= READS_PER_TURN) {
      this.#isReading = true;
      setImmediate(() => this.#continueReading());
      return;
    }
    const completion = this.#instance.read(this.#readSize);
    if (completion === undefined) {
      this.#isReading = true;
      return;
    }
    this.#readsInTurn += 1;
    this.#received(completion);
  }

  #continueReading(): void {
    this.#isReading = false;
    this.#readsInTurn = 0;
    this.#receive();
    this.#closeIfIdle();
  }

  #received({ error, bytes }: Completion): void {
    if (error === ERROR.success || error === ERROR.moreData) {
      if (bytes > 0) this.#takeData(bytes);
      else this.#endInput();
      return;
    }
    if (!GONE.includes(error)) {
      this.destroy(new WindowsCallError('ReadFile', error));
      return;
    }
    this.#isClientGone = true;
    if (!this.#isInputOver) {
      this.#isInputOver = true;
      this.push(null);
    }
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }

  #takeData(bytes: number): void {
    const data = this.#isInputOver ? undefined : this.#instance.received(bytes);
    this.#readSize = bytes < READ_BYTES.small ? 'small' : 'large';
    // What follows an end is dropped, as go-winio does, but has to be read to learn of the client's close.
    if (data === undefined) this.#receive();
    else this.push(data);
  }

  #endInput(): void {
    if (!this.#isInputOver) {
      this.#isInputOver = true;
      this.#readSize = 'small';
      this.push(null);
    }
    this.#receive();
  }

  #send(write: Write): void {
    for (;;) {
      const { chunk, offset } = write;
      const completion = this.#instance.write(chunk.subarray(offset, offset + MESSAGE_BYTES));
      if (completion === undefined || this.#sent(write, completion)) return;
    }
  }

  /** @returns whether that was all of it; the application may have started the next write by then */
  #sent(write: Write, { error, bytes }: Completion): boolean {
    write.offset += bytes;
    const isWhole = write.offset >= write.chunk.length;
    if (error === ERROR.success && !isWhole && !this.destroyed) return false;
    this.#write = undefined;
    const code = error === ERROR.success && !isWhole ? ERROR.operationAborted : error;
    write.done(code === ERROR.success ? null : new WindowsCallError('WriteFile', code));
    return true;
  }

  #closeIfIdle(): void {
    if (this.#closed === undefined || this.#isReading || this.#write !== undefined) return;
    const closed = this.#closed;
    this.#closed = undefined;
    this.#instance.close();
    closed();
  }
}
