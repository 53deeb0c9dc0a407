import { win32 } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';

// Windows loads both into every process from a fixed list (KnownDLLs), so no folder on the search path can replace them.
export const kernel32 = koffi.load('kernel32.dll');
export const advapi32 = koffi.load('advapi32.dll');

const getSystemDirectory: (path: Buffer, characters: number) => number = kernel32.func(
  'uint32 __stdcall GetSystemDirectoryW(void *path, uint32 characters)',
);
const MAX_CHARACTERS = 260;

/**
 * A library that is loaded from the system's own folder and nowhere else:
 * https://learn.microsoft.com/windows/win32/api/sysinfoapi/nf-sysinfoapi-getsystemdirectoryw
 */
export function systemLibrary(name: string): LibraryHandle {
  const path = Buffer.alloc(MAX_CHARACTERS * 2);
  const length = getSystemDirectory(path, MAX_CHARACTERS);
  return koffi.load(win32.join(path.toString('utf16le', 0, length * 2), name));
}

/**
 * A HANDLE. Only the low 32 bits are significant:
 * https://learn.microsoft.com/windows/win32/winprog64/interprocess-communication
 */
export type Handle = number;

/** An address in this process, as koffi passes it. */
export type Address = bigint;

export const INVALID_HANDLE = -1;
