import { getLastError, lastError } from './last-error.js';
import { kernel32, type Address, type Handle } from './libraries.js';

/**
 * OVERLAPPED on 64-bit Windows: https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-overlapped
 *
 *     0 Internal (NTSTATUS)  8 InternalHigh (bytes transferred)  16 Offset, OffsetHigh  24 hEvent
 */
export const OVERLAPPED = { length: 32, status: 0, transferred: 8 } as const;

/**
 * The count comes from OVERLAPPED: for overlapped calls the out parameter has to be NULL:
 * https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-readfile
 */
export const readFile: (
  handle: Handle,
  into: Address,
  length: number,
  transferred: null,
  overlapped: Address,
) => number = kernel32.func(
  'int __stdcall ReadFile(intptr_t handle, void *into, uint32 length, void *transferred, void *overlapped)',
);

/** https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-writefile */
export const writeFile: (
  handle: Handle,
  bytes: Buffer,
  length: number,
  transferred: null,
  overlapped: Address,
) => number = kernel32.func(
  'int __stdcall WriteFile(intptr_t handle, void *bytes, uint32 length, void *transferred, void *overlapped)',
);

/** https://learn.microsoft.com/windows/win32/fileio/cancelioex-func */
export const cancelIoEx: (handle: Handle, overlapped: Address | null) => number = kernel32.func(
  'int __stdcall CancelIoEx(intptr_t handle, void *overlapped)',
);

const getOverlappedResult: (
  handle: Handle,
  overlapped: Address,
  transferred: Uint32Array,
  wait: number,
) => number = kernel32.func(
  'int __stdcall GetOverlappedResult(intptr_t handle, void *overlapped, void *transferred, int wait)',
);

/**
 * The error code of an operation that has completed with an error:
 * https://learn.microsoft.com/windows/win32/api/ioapiset/nf-ioapiset-getoverlappedresult
 */
export function overlappedError(handle: Handle, overlapped: Address): number {
  const transferred = new Uint32Array(new ArrayBuffer(4));
  return getOverlappedResult(handle, overlapped, transferred, 0) === 0 ? getLastError() : 0;
}

const setFileCompletionNotificationModes: (handle: Handle, flags: number) => number = kernel32.func(
  'int __stdcall SetFileCompletionNotificationModes(intptr_t handle, uint8 flags)',
);
const FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 1;

/**
 * A call that succeeds at once then queues no completion:
 * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setfilecompletionnotificationmodes
 */
export function skipCompletionOnSuccess(handle: Handle): void {
  if (setFileCompletionNotificationModes(handle, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) === 0)
    throw lastError('SetFileCompletionNotificationModes');
}
