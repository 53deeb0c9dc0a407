import koffi from 'koffi';
import { kernel32, type Handle } from './libraries.js';
import { SECURITY_ATTRIBUTES, type SecurityAttributes } from './security-attributes.js';

/**
 * 0 if it fails; an existing mutex is opened with all rights, and the last error is ERROR_ALREADY_EXISTS.
 * https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-createmutexw
 */
export const createMutex: (attributes: SecurityAttributes, isOwner: number, name: string) => Handle =
  kernel32.func('__stdcall', 'CreateMutexW', 'intptr_t', [
    koffi.pointer(SECURITY_ATTRIBUTES),
    'int',
    'str16',
  ]);

/** 0 if it fails. https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-openmutexw */
export const openMutex: (access: number, inherit: number, name: string) => Handle = kernel32.func(
  'intptr_t __stdcall OpenMutexW(uint32 access, int inherit, str16 name)',
);

/** https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-releasemutex */
export const releaseMutex: (mutex: Handle) => number = kernel32.func(
  'int __stdcall ReleaseMutex(intptr_t mutex)',
);

/** https://learn.microsoft.com/windows/win32/sync/synchronization-object-security-and-access-rights */
export const MUTEX = { queryState: 0x1 } as const;
