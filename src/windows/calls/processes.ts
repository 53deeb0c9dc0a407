import { win32 } from 'node:path';
import { closeHandle } from './handles.js';
import { kernel32, type Handle } from './libraries.js';

/**
 * 0 if it fails. https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocess
 * @param access https://learn.microsoft.com/windows/win32/procthread/process-security-and-access-rights
 */
export const openProcess: (access: number, inherit: number, pid: number) => Handle = kernel32.func(
  'intptr_t __stdcall OpenProcess(uint32 access, int inherit, uint32 pid)',
);
const queryFullProcessImageName: (
  process: Handle,
  flags: number,
  path: Buffer,
  length: Uint32Array,
) => number = kernel32.func(
  'int __stdcall QueryFullProcessImageNameW(intptr_t process, uint32 flags, void *path, void *length)',
);

export const PROCESS = { terminate: 0x1, queryLimitedInformation: 0x1000, synchronize: 0x10_0000 } as const;
const MAX_CHARACTERS = 1024;

/**
 * The path of a process's program; undefined if it cannot be told.
 * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-queryfullprocessimagenamew
 */
export function imagePath(process: Handle): string | undefined {
  const path = Buffer.alloc(MAX_CHARACTERS * 2);
  const length = new Uint32Array(new ArrayBuffer(4)).fill(MAX_CHARACTERS);
  const isKnown = queryFullProcessImageName(process, 0, path, length) !== 0;
  return isKnown ? path.toString('utf16le', 0, (length[0] ?? 0) * 2) : undefined;
}

/** The file name of a process's program; undefined if it cannot be told. */
export function programOf(pid: number): string | undefined {
  const handle = openProcess(PROCESS.queryLimitedInformation, 0, pid);
  if (handle === 0) return undefined;
  const path = imagePath(handle);
  closeHandle(handle);
  return path === undefined ? undefined : win32.basename(path);
}

const getProcessTimes: (
  process: Handle,
  creation: BigUint64Array,
  exit: BigUint64Array,
  kernel: BigUint64Array,
  user: BigUint64Array,
) => number = kernel32.func(
  'int __stdcall GetProcessTimes(intptr_t process, void *creation, void *exit, void *kernel, void *user)',
);

/**
 * When a process was created, in units of 100 ns since 1601 (FILETIME); undefined if it cannot be told.
 * https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesstimes
 */
export function creationTime(process: Handle): bigint | undefined {
  const [creation, exit, kernel, user] = [fileTime(), fileTime(), fileTime(), fileTime()];
  return getProcessTimes(process, creation, exit, kernel, user) === 0 ? undefined : creation[0];
}

function fileTime(): BigUint64Array {
  return new BigUint64Array(new ArrayBuffer(8));
}

/** https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-terminateprocess */
export const terminateProcess: (process: Handle, exitCode: number) => number = kernel32.func(
  'int __stdcall TerminateProcess(intptr_t process, uint32 exitCode)',
);

/** https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-waitforsingleobject */
export const waitForSingleObject: (handle: Handle, milliseconds: number) => number = kernel32.func(
  'uint32 __stdcall WaitForSingleObject(intptr_t handle, uint32 milliseconds)',
);

export const WAIT = { object: 0, abandoned: 0x80, timeout: 0x102 } as const;
