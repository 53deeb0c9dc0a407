import koffi from 'koffi';
import { lastError } from './last-error.js';
import { advapi32, kernel32, type Address, type Handle } from './libraries.js';

/** https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-localfree */
export const localFree: (memory: Address) => Address = kernel32.func(
  'void *__stdcall LocalFree(void *memory)',
);

const SDDL_REVISION_1 = 1;

const descriptorFromText: (
  sddl: string,
  revision: number,
  descriptor: [Address | null],
  length: null,
) => number = advapi32.func(
  'int __stdcall ConvertStringSecurityDescriptorToSecurityDescriptorW(str16 sddl, uint32 revision, _Out_ void **descriptor, void *length)',
);

/**
 * A security descriptor in memory that `localFree` releases:
 * https://learn.microsoft.com/windows/win32/api/sddl/nf-sddl-convertstringsecuritydescriptortosecuritydescriptorw
 */
export function securityDescriptor(sddl: string): Address {
  const descriptor: [Address | null] = [null];
  if (descriptorFromText(sddl, SDDL_REVISION_1, descriptor, null) === 0 || descriptor[0] === null)
    throw lastError('ConvertStringSecurityDescriptorToSecurityDescriptorW');
  return descriptor[0];
}

const textFromDescriptor: (
  descriptor: Address,
  revision: number,
  parts: number,
  text: [Address | null],
  length: null,
) => number = advapi32.func(
  'int __stdcall ConvertSecurityDescriptorToStringSecurityDescriptorW(void *descriptor, uint32 revision, uint32 parts, _Out_ void **text, void *length)',
);
const getSecurityInfo: (
  handle: Handle,
  kind: number,
  parts: number,
  owner: null,
  group: null,
  dacl: null,
  sacl: null,
  descriptor: [Address | null],
) => number = advapi32.func(
  'uint32 __stdcall GetSecurityInfo(intptr_t handle, int kind, uint32 parts, void *owner, void *group, void *dacl, void *sacl, _Out_ void **descriptor)',
);
const SE_KERNEL_OBJECT = 6;
const DACL_SECURITY_INFORMATION = 4;

/**
 * The access list of a kernel object as SDDL:
 * https://learn.microsoft.com/windows/win32/api/aclapi/nf-aclapi-getsecurityinfo
 */
export function accessListOf(handle: Handle): string {
  const descriptor: [Address | null] = [null];
  const code = getSecurityInfo(
    handle,
    SE_KERNEL_OBJECT,
    DACL_SECURITY_INFORMATION,
    null,
    null,
    null,
    null,
    descriptor,
  );
  if (code !== 0 || descriptor[0] === null) throw lastError('GetSecurityInfo', code);
  try {
    return takeText((text) =>
      textFromDescriptor(descriptor[0] ?? 0n, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, text, null),
    );
  } finally {
    localFree(descriptor[0]);
  }
}

const convertSidToStringSid: (sid: Buffer, text: [Address | null]) => number = advapi32.func(
  'int __stdcall ConvertSidToStringSidW(void *sid, _Out_ void **text)',
);

const lookupAccountName: (
  system: null,
  name: string,
  sid: Buffer,
  sidLength: Uint32Array,
  domain: Buffer,
  domainLength: Uint32Array,
  use: Uint32Array,
) => number = advapi32.func(
  'int __stdcall LookupAccountNameW(void *system, str16 name, void *sid, void *sidLength, void *domain, void *domainLength, void *use)',
);

const MAX_SID_BYTES = 68;
const MAX_DOMAIN_CHARACTERS = 256;
// SidTypeGroup, SidTypeAlias (a local group), SidTypeWellKnownGroup.
const GROUP_USES: readonly (number | undefined)[] = [2, 4, 5];

/**
 * The SID of a group, like `S-1-5-32-544`; undefined if no group has that name.
 * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-lookupaccountnamew
 */
export function groupSid(name: string): string | undefined {
  const sid = Buffer.alloc(MAX_SID_BYTES);
  const domain = Buffer.alloc(MAX_DOMAIN_CHARACTERS * 2);
  const use = new Uint32Array(new ArrayBuffer(4));
  const isFound = lookupAccountName(
    null,
    name,
    sid,
    new Uint32Array(new ArrayBuffer(4)).fill(MAX_SID_BYTES),
    domain,
    new Uint32Array(new ArrayBuffer(4)).fill(MAX_DOMAIN_CHARACTERS),
    use,
  );
  if (isFound === 0 || !GROUP_USES.includes(use[0])) return undefined;
  return takeText((text) => convertSidToStringSid(sid, text));
}

/** Reads a text that a call has allocated, and releases it. */
function takeText(call: (text: [Address | null]) => number): string {
  const text: [Address | null] = [null];
  if (call(text) === 0 || text[0] === null) throw lastError('ConvertSidToStringSidW');
  const value = koffi.decode.string16(text[0]);
  localFree(text[0]);
  return value;
}
