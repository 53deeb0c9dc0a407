import koffi from 'koffi';

// Windows loads both into every process from a fixed list (KnownDLLs), so no folder on the search path can replace them.
export const kernel32 = koffi.load('kernel32.dll');
export const advapi32 = koffi.load('advapi32.dll');

/**
 * A HANDLE. Only the low 32 bits are significant:
 * https://learn.microsoft.com/windows/win32/winprog64/interprocess-communication
 */
export type Handle = number;

/** An address in this process, as koffi passes it. */
export type Address = bigint;

export const INVALID_HANDLE = -1;
