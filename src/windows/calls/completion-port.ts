import { lastError } from './last-error.js';
import { INVALID_HANDLE, kernel32, type Address, type Handle } from './libraries.js';

const createIoCompletionPort: (file: Handle, port: Handle, key: number, threads: number) => Handle =
  kernel32.func(
    'intptr_t __stdcall CreateIoCompletionPort(intptr_t file, intptr_t port, uint64 key, uint32 threads)',
  );

/** https://learn.microsoft.com/windows/win32/fileio/createiocompletionport */
export function createPort(): Handle {
  const port = createIoCompletionPort(INVALID_HANDLE, 0, 0, 1);
  if (port === 0) throw lastError('CreateIoCompletionPort');
  return port;
}

/** Completions of the file's overlapped calls are queued to the port with the key. */
export function associate(file: Handle, port: Handle, key: number): void {
  if (createIoCompletionPort(file, port, key, 0) === 0) throw lastError('CreateIoCompletionPort');
}

/** https://learn.microsoft.com/windows/win32/fileio/postqueuedcompletionstatus */
export const postQueuedCompletionStatus: (
  port: Handle,
  bytes: number,
  key: number,
  overlapped: Address | null,
) => number = kernel32.func(
  'int __stdcall PostQueuedCompletionStatus(intptr_t port, uint32 bytes, uint64 key, void *overlapped)',
);

/** https://learn.microsoft.com/windows/win32/fileio/getqueuedcompletionstatusex-func */
export const getQueuedCompletionStatusEx: (
  port: Handle,
  entries: Address,
  capacity: number,
  removed: Uint32Array,
  milliseconds: number,
  isAlertable: number,
) => number = kernel32.func(
  'int __stdcall GetQueuedCompletionStatusEx(intptr_t port, void *entries, uint32 capacity, void *removed, uint32 milliseconds, int alertable)',
);

/**
 * OVERLAPPED_ENTRY on 64-bit Windows:
 * https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-overlapped_entry
 *
 *     0 lpCompletionKey  8 lpOverlapped  16 Internal (reserved)  24 dwNumberOfBytesTransferred
 */
export const OVERLAPPED_ENTRY = { length: 32, key: 0, overlapped: 8, transferred: 24 } as const;
