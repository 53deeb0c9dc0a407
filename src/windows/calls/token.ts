import koffi from 'koffi';
import { closeHandle } from './handles.js';
import { lastError } from './last-error.js';
import { advapi32, type Address, type Handle } from './libraries.js';
import { allocate } from './memory.js';
import { localFree } from './security.js';

/** https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getcurrentprocess */
const THIS_PROCESS: Handle = -1;
const TOKEN_QUERY = 0x8;
const TOKEN_USER = 1;
/** TOKEN_USER and the longest SID. */
const MAX_USER_BYTES = 128;

const openProcessToken: (process: Handle, access: number, token: BigInt64Array) => number = advapi32.func(
  'int __stdcall OpenProcessToken(intptr_t process, uint32 access, void *token)',
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
const sidText: (sid: Address, text: [Address | null]) => number = advapi32.func(
  'int __stdcall ConvertSidToStringSidW(void *sid, _Out_ void **text)',
);

/**
 * The SID of the user of this process:
 * https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-gettokeninformation
 */
export function ownSid(): string {
  const token = new BigInt64Array(new ArrayBuffer(8));
  if (openProcessToken(THIS_PROCESS, TOKEN_QUERY, token) === 0) throw lastError('OpenProcessToken');
  const handle: Handle = Number(token[0]);
  const memory = allocate(MAX_USER_BYTES);
  try {
    const needed = new Uint32Array(new ArrayBuffer(4));
    if (getTokenInformation(handle, TOKEN_USER, memory.address, MAX_USER_BYTES, needed) === 0)
      throw lastError('GetTokenInformation');
    const text: [Address | null] = [null];
    // SID_AND_ATTRIBUTES begins with the address of the SID.
    if (sidText(memory.bytes.readBigUInt64LE(0), text) === 0 || text[0] === null)
      throw lastError('ConvertSidToStringSidW');
    const value = koffi.decode.string16(text[0]);
    localFree(text[0]);
    return value;
  } finally {
    memory.free();
    closeHandle(handle);
  }
}
