import koffi from 'koffi';
import { closeHandle, THIS_PROCESS } from './handles.js';
import { lastError } from './last-error.js';
import { advapi32, kernel32, type Address, type Handle } from './libraries.js';
import { allocate } from './memory.js';

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

/** https://learn.microsoft.com/windows/win32/api/accctrl/ne-accctrl-se_object_type */
export const OBJECT_TYPE = { file: 1, kernelObject: 6 } as const;
/** https://learn.microsoft.com/windows/win32/secauthz/security-information */
export const SECURITY_PART = { owner: 0x1, accessList: 0x4, protectedAccessList: 0x8000_0000 } as const;

/**
 * Parts of an object's security descriptor as SDDL:
 * https://learn.microsoft.com/windows/win32/api/aclapi/nf-aclapi-getsecurityinfo
 */
export function securityOf(handle: Handle, kind: number, parts: number): string {
  const descriptor: [Address | null] = [null];
  const code = getSecurityInfo(handle, kind, parts, null, null, null, null, descriptor);
  const [address] = descriptor;
  if (code !== 0 || address === null) throw lastError('GetSecurityInfo', code);
  try {
    return takeText('ConvertSecurityDescriptorToStringSecurityDescriptorW', (text) =>
      textFromDescriptor(address, SDDL_REVISION_1, parts, text, null),
    );
  } finally {
    localFree(address);
  }
}

/** The access list of a kernel object as SDDL. */
export function accessListOf(handle: Handle): string {
  return securityOf(handle, OBJECT_TYPE.kernelObject, SECURITY_PART.accessList);
}

const setSecurityInfo: (
  handle: Handle,
  kind: number,
  parts: number,
  owner: Address | null,
  group: null,
  dacl: Address | null,
  sacl: null,
) => number = advapi32.func(
  'uint32 __stdcall SetSecurityInfo(intptr_t handle, int kind, uint32 parts, void *owner, void *group, void *dacl, void *sacl)',
);
/** https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-getsecuritydescriptordacl */
const getSecurityDescriptorDacl: (
  descriptor: Address,
  isPresent: Uint32Array,
  dacl: [Address | null],
  isDefault: Uint32Array,
) => number = advapi32.func(
  'int __stdcall GetSecurityDescriptorDacl(void *descriptor, void *isPresent, _Out_ void **dacl, void *isDefault)',
);
/** https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-getsecuritydescriptorowner */
const getSecurityDescriptorOwner: (
  descriptor: Address,
  owner: [Address | null],
  isDefault: Uint32Array,
) => number = advapi32.func(
  'int __stdcall GetSecurityDescriptorOwner(void *descriptor, _Out_ void **owner, void *isDefault)',
);

const setKernelObjectSecurity: (handle: Handle, parts: number, descriptor: Address) => number = advapi32.func(
  'int __stdcall SetKernelObjectSecurity(intptr_t handle, uint32 parts, void *descriptor)',
);

/**
 * Replaces the access list of a file or folder, and its owner if the text names one. Nothing is inherited from
 * above any more; what is below inherits the new list.
 * https://learn.microsoft.com/windows/win32/api/aclapi/nf-aclapi-setsecurityinfo
 */
export function protectFile(handle: Handle, sddl: string): void {
  const descriptor = securityDescriptor(sddl);
  try {
    const ignored = new Uint32Array(new ArrayBuffer(4));
    const [dacl, owner]: [[Address | null], [Address | null]] = [[null], [null]];
    if (getSecurityDescriptorDacl(descriptor, ignored, dacl, ignored) === 0)
      throw lastError('GetSecurityDescriptorDacl');
    if (getSecurityDescriptorOwner(descriptor, owner, ignored) === 0)
      throw lastError('GetSecurityDescriptorOwner');
    const ofOwner = owner[0] === null ? 0 : SECURITY_PART.owner;
    const parts = (ofOwner | SECURITY_PART.accessList | SECURITY_PART.protectedAccessList) >>> 0;
    const code = setSecurityInfo(handle, OBJECT_TYPE.file, parts, owner[0], null, dacl[0], null);
    if (code !== 0) throw lastError('SetSecurityInfo', code);
    // The call above updates what is below, and under Wine merges what is inherited, protected or not. This one sets
    // exactly the list: https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-setkernelobjectsecurity
    if (setKernelObjectSecurity(handle, parts, descriptor) === 0) throw lastError('SetKernelObjectSecurity');
  } finally {
    localFree(descriptor);
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
  return sidText(sid);
}

/** https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocesstoken */
const openProcessToken: (process: Handle, access: number, token: [Handle]) => number = advapi32.func(
  'int __stdcall OpenProcessToken(intptr_t process, uint32 access, _Out_ intptr_t *token)',
);
const getTokenInformation: (
  token: Handle,
  kind: number,
  into: Address,
  length: number,
  needed: Uint32Array,
) => number = advapi32.func(
  'int __stdcall GetTokenInformation(intptr_t token, int kind, void *into, uint32 length, void *needed)',
);
const TOKEN_QUERY = 0x8;
const TOKEN_USER = 1;
/** TOKEN_USER is a pointer and attributes, then the SID that the pointer leads to. */
const SID_IN_TOKEN_USER = 16;

/**
 * The SID of the user that this process runs as:
 * https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-gettokeninformation
 */
export function ownSid(): string {
  const token: [Handle] = [0];
  if (openProcessToken(THIS_PROCESS, TOKEN_QUERY, token) === 0) throw lastError('OpenProcessToken');
  const length = SID_IN_TOKEN_USER + MAX_SID_BYTES;
  const memory = allocate(length);
  try {
    const needed = new Uint32Array(new ArrayBuffer(4));
    if (getTokenInformation(token[0], TOKEN_USER, memory.address, length, needed) === 0)
      throw lastError('GetTokenInformation');
    return sidText(Buffer.from(memory.bytes.subarray(SID_IN_TOKEN_USER)));
  } finally {
    memory.free();
    closeHandle(token[0]);
  }
}

function sidText(sid: Buffer): string {
  return takeText('ConvertSidToStringSidW', (text) => convertSidToStringSid(sid, text));
}

/** Reads a text that a call has allocated, and releases it. */
function takeText(name: string, call: (text: [Address | null]) => number): string {
  const text: [Address | null] = [null];
  if (call(text) === 0 || text[0] === null) throw lastError(name);
  const value = koffi.decode.string16(text[0]);
  localFree(text[0]);
  return value;
}
