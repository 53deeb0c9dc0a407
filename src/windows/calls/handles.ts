import { kernel32, type Handle } from './libraries.js';

/** https://learn.microsoft.com/windows/win32/api/handleapi/nf-handleapi-closehandle */
export const closeHandle: (handle: Handle) => number = kernel32.func(
  'int __stdcall CloseHandle(intptr_t handle)',
);

const getProcessHandleCount: (process: Handle, count: Uint32Array) => number = kernel32.func(
  'int __stdcall GetProcessHandleCount(intptr_t process, void *count)',
);

/** GetCurrentProcess() is a constant: https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getcurrentprocess */
export const THIS_PROCESS: Handle = -1;

/**
 * How many handles this process has open, for tests that look for leaks:
 * https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesshandlecount
 */
export function openHandles(): number {
  const count = new Uint32Array(new ArrayBuffer(4));
  return getProcessHandleCount(THIS_PROCESS, count) === 0 ? 0 : (count[0] ?? 0);
}
