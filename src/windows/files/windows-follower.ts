import { win32 } from 'node:path';
import { NAMES_AND_CONTENTS, readDirectoryChanges } from '../calls/directory-changes.js';
import { FILE } from '../calls/files.js';
import { closeHandle } from '../calls/handles.js';
import { getLastError, lastError } from '../calls/last-error.js';
import { INVALID_HANDLE, type Handle } from '../calls/libraries.js';
import { allocate } from '../calls/memory.js';
import { createFileW } from '../calls/named-pipe.js';
import { cancelIoEx, OVERLAPPED, overlappedError } from '../calls/overlapped-io.js';
import { ERROR } from '../error-codes.js';
import { CompletionPort } from '../pipe/completion-port.js';
import { WindowsCallError } from '../windows-call-error.js';
import type { FolderFollower, FollowedFolder, FollowOptions } from './followed-folders.js';

/** The most that Windows accepts for folders of other computers, and enough for a few hundred changes. */
const BUFFER_BYTES = 65_536;

/** Follows folders of this Windows host; one thread waits for all of them. */
export class WindowsFollower implements FolderFollower {
  readonly #port = new CompletionPort();

  follow(options: FollowOptions): FollowedFolder {
    const handle = createFileW(
      win32.toNamespacedPath(options.path),
      FILE.listDirectory,
      FILE.shareAll,
      null,
      FILE.openExisting,
      FILE.folders | FILE.overlapped,
      0,
    );
    if (handle === INVALID_HANDLE) throw lastError('CreateFileW');
    return new WindowsFolder(handle, this.#port, options);
  }

  close(): Promise<void> {
    return this.#port.close();
  }
}

class WindowsFolder implements FollowedFolder {
  readonly #handle: Handle;
  readonly #port: CompletionPort;
  readonly #options: FollowOptions;
  /** OVERLAPPED, then the records. */
  readonly #memory = allocate(OVERLAPPED.length + BUFFER_BYTES);
  readonly #key: number;
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #isClosing = false;
  #isOver = false;

  constructor(handle: Handle, port: CompletionPort, options: FollowOptions) {
    this.#handle = handle;
    this.#port = port;
    this.#options = options;
    this.#ended = new Promise((resolve) => (this.#end = resolve));
    try {
      this.#key = port.add(handle, (_overlapped, bytes) => this.#completed(bytes));
    } catch (error) {
      closeHandle(handle);
      this.#memory.free();
      throw error;
    }
    const refusal = this.#read();
    if (refusal === undefined) return;
    this.#finish();
    throw new WindowsCallError('ReadDirectoryChangesW', refusal);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (!this.#isOver) cancelIoEx(this.#handle, this.#memory.address);
    await this.#ended;
  }

  /** @returns the error code if it cannot be read */
  #read(): number | undefined {
    this.#memory.bytes.fill(0, 0, OVERLAPPED.length);
    const isStarted = readDirectoryChanges(
      this.#handle,
      this.#memory.address + BigInt(OVERLAPPED.length),
      BUFFER_BYTES,
      this.#options.isRecursive ? 1 : 0,
      NAMES_AND_CONTENTS,
      null,
      this.#memory.address,
      null,
    );
    if (isStarted !== 0) return undefined;
    const code = getLastError();
    return code === ERROR.ioPending ? undefined : code;
  }

  #completed(bytes: number): void {
    if (this.#isOver) return;
    const isFine = this.#memory.bytes.readUInt32LE(OVERLAPPED.status) === 0;
    const error = isFine ? ERROR.success : overlappedError(this.#handle, this.#memory.address);
    const isLost = error === ERROR.notifyEnumDir || (isFine && bytes === 0);
    if (this.#isClosing || (!isFine && !isLost)) return this.#stop(error);
    const from = OVERLAPPED.length;
    const records = isLost ? undefined : Uint8Array.from(this.#memory.bytes.subarray(from, from + bytes));
    // Windows keeps what happens meanwhile, as much as fits into the buffer.
    const refusal = this.#read();
    this.#options.onChanges(records);
    if (refusal !== undefined) this.#stop(refusal);
  }

  #stop(error: number): void {
    this.#finish();
    if (!this.#isClosing) this.#options.onEnd(lastError('ReadDirectoryChangesW', error).message);
  }

  #finish(): void {
    this.#isOver = true;
    closeHandle(this.#handle);
    this.#port.forget(this.#key);
    this.#memory.free();
    this.#end();
  }
}
