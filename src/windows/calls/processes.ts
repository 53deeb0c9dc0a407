import { win32 } from 'node:path';
import { closeHandle } from './handles.js';
import { kernel32, type Handle } from './libraries.js';

const openProcess: (access: number, inherit: number, pid: number) => Handle = kernel32.func(
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

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const MAX_CHARACTERS = 1024;

/**
 * The file name of a process's program; undefined if it cannot be told.
 * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-queryfullprocessimagenamew
 */
export function programOf(pid: number): string | undefined {
  const handle = openProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
  if (handle === 0) return undefined;
  const path = Buffer.alloc(MAX_CHARACTERS * 2);
  const length = new Uint32Array(new ArrayBuffer(4)).fill(MAX_CHARACTERS);
  const isKnown = queryFullProcessImageName(handle, 0, path, length) !== 0;
  closeHandle(handle);
  return isKnown ? win32.basename(path.toString('utf16le', 0, (length[0] ?? 0) * 2)) : undefined;
}
