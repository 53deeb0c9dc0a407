import { advapi32, type Address } from './libraries.js';

/**
 * CREDENTIALW on 64-bit Windows: https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw
 *
 *     0 Flags  4 Type  8 TargetName  16 Comment  24 LastWritten  32 CredentialBlobSize  40 CredentialBlob
 *     48 Persist  52 AttributeCount  56 Attributes  64 TargetAlias  72 UserName
 */
export const CREDENTIAL = {
  length: 80,
  type: 4,
  targetName: 8,
  blobSize: 32,
  blob: 40,
  persist: 48,
  userName: 72,
} as const;

export const CRED_TYPE_GENERIC = 1;
/** Kept for the user on this computer, and not copied to others with his profile. */
export const CRED_PERSIST_LOCAL_MACHINE = 2;

/** https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-credwritew */
export const credWrite: (credential: Address, flags: number) => number = advapi32.func(
  'int __stdcall CredWriteW(void *credential, uint32 flags)',
);

/** https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-credreadw */
export const credRead: (target: string, type: number, flags: number, credential: [Address | null]) => number =
  advapi32.func('int __stdcall CredReadW(str16 target, uint32 type, uint32 flags, _Out_ void **credential)');

/** https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-creddeletew */
export const credDelete: (target: string, type: number, flags: number) => number = advapi32.func(
  'int __stdcall CredDeleteW(str16 target, uint32 type, uint32 flags)',
);

/** https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-credenumeratew */
export const credEnumerate: (
  filter: string,
  flags: number,
  count: Uint32Array,
  credentials: [Address | null],
) => number = advapi32.func(
  'int __stdcall CredEnumerateW(str16 filter, uint32 flags, void *count, _Out_ void **credentials)',
);

/** https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-credfree */
export const credFree: (memory: Address) => void = advapi32.func('void __stdcall CredFree(void *memory)');
