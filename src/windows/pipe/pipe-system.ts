/** The calls that a named pipe's server makes, as Windows answers them. Tests simulate them on any system. */
export interface PipeSystem {
  /** Prepares a pipe; nobody can see it before its first instance. @throws WindowsCallError */
  open(options: PipeOptions): ServedPipe;
  /** Whether a pipe of that name exists. */
  exists(name: string): boolean;
  /** Who serves the pipe; undefined if it cannot be told. */
  owner(name: string): PipeOwner | undefined;
  /** The SID of a group; undefined if no group has that name. */
  groupSid(name: string): string | undefined;
  /** Resolves when nothing of it keeps the process alive. All pipes must be closed. */
  close(): Promise<void>;
}

export interface PipeOptions {
  /** `\\.\pipe\…` */
  readonly name: string;
  /** Who may connect, from its creation on. */
  readonly sddl: string;
}

export interface PipeOwner {
  readonly program: string;
  readonly pid: number;
}

export interface ServedPipe {
  /**
   * A new instance, which takes one client.
   * @param isFirst fails with ERROR_ACCESS_DENIED if the pipe exists
   * @throws WindowsCallError
   */
  createInstance(isFirst: boolean): PipeInstance;
  /** All instances must be closed. */
  close(): void;
}

export type PipeOperation = 'connect' | 'read' | 'write';

export interface Completion {
  /** One of ERROR. Reading part of a message is `moreData`. */
  readonly error: number;
  readonly bytes: number;
}

/** Size of a read: small ones wait for input in idle connections, large ones carry data. */
export type ReadSize = 'small' | 'large';
export const READ_BYTES: Readonly<Record<ReadSize, number>> = { small: 4 * 1024, large: 64 * 1024 };

/** How much a writer may be ahead of its reader, each way: a few large messages, so that neither waits for each one. */
export const PIPE_BUFFER_BYTES = 256 * 1024;

/**
 * One end of a pipe. A call that returns undefined has started an operation, which `onCompleted` reports later;
 * what a call returns is not reported. At most one read (or connect) and one write at a time.
 */
export interface PipeInstance {
  onCompleted: (operation: PipeOperation, completion: Completion) => void;
  connect(): Completion | undefined;
  /** The process at the other end; undefined if it cannot be told. */
  clientPid(): number | undefined;
  read(size: ReadSize): Completion | undefined;
  /** A copy of what the last read has brought. */
  received(bytes: number): Buffer;
  /** One message, which Windows takes as a whole. `chunk` must stay unchanged until it is done. */
  write(chunk: Buffer): Completion | undefined;
  /** Completes what has been started, usually with `operationAborted`. */
  cancel(): void;
  /** Nothing may be in progress. The other end can still read what was written. */
  close(): void;
}
