import { kernel32, type Address, type Handle } from './libraries.js';

/**
 * An overlapped call; the count comes with its completion. 0 if it fails.
 * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-readdirectorychangesw
 */
export const readDirectoryChanges: (
  folder: Handle,
  into: Address,
  length: number,
  isRecursive: number,
  filter: number,
  transferred: null,
  overlapped: Address,
  routine: null,
) => number = kernel32.func(
  'int __stdcall ReadDirectoryChangesW(intptr_t folder, void *into, uint32 length, int recursive, uint32 filter, void *transferred, void *overlapped, void *routine)',
);

/** FILE_NOTIFY_CHANGE_FILE_NAME, _DIR_NAME, _SIZE and _LAST_WRITE. */
export const NAMES_AND_CONTENTS = 0x1 | 0x2 | 0x8 | 0x10;
