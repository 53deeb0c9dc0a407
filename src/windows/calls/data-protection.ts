import { lastError } from './last-error.js';
import { systemLibrary, type Address } from './libraries.js';
import { allocate, memoryAt } from './memory.js';
import { localFree } from './security.js';

const crypt32 = systemLibrary('crypt32.dll');

type DataCall = (
  input: Address,
  description: null,
  entropy: null,
  reserved: null,
  prompt: null,
  flags: number,
  output: Address,
) => number;

const cryptProtectData: DataCall = crypt32.func(
  'int __stdcall CryptProtectData(void *input, str16 description, void *entropy, void *reserved, void *prompt, uint32 flags, void *output)',
);
const cryptUnprotectData: DataCall = crypt32.func(
  'int __stdcall CryptUnprotectData(void *input, void *description, void *entropy, void *reserved, void *prompt, uint32 flags, void *output)',
);

const CRYPTPROTECT_UI_FORBIDDEN = 0x1;
/** With the computer's key: the daemon runs as SYSTEM, and as an administrator in a terminal. */
const CRYPTPROTECT_LOCAL_MACHINE = 0x4;

/**
 * DATA_BLOB on 64-bit Windows: https://learn.microsoft.com/windows/win32/api/dpapi/ns-dpapi-data_blob
 *
 *     0 cbData  8 pbData
 */
const DATA_BLOB = { length: 16, size: 0, data: 8 } as const;

/** https://learn.microsoft.com/windows/win32/api/dpapi/nf-dpapi-cryptprotectdata */
export function protectData(plain: Buffer): Buffer {
  return call('CryptProtectData', cryptProtectData, plain);
}

/** https://learn.microsoft.com/windows/win32/api/dpapi/nf-dpapi-cryptunprotectdata */
export function unprotectData(sealed: Buffer): Buffer {
  return call('CryptUnprotectData', cryptUnprotectData, sealed);
}

function call(name: string, dataCall: DataCall, input: Buffer): Buffer {
  const memory = allocate(2 * DATA_BLOB.length + input.length);
  const [inBlob, outBlob, inData] = [0, DATA_BLOB.length, 2 * DATA_BLOB.length];
  try {
    memory.bytes.fill(0);
    input.copy(memory.bytes, inData);
    memory.bytes.writeUInt32LE(input.length, inBlob + DATA_BLOB.size);
    memory.bytes.writeBigUInt64LE(memory.address + BigInt(inData), inBlob + DATA_BLOB.data);
    const flags = CRYPTPROTECT_UI_FORBIDDEN | CRYPTPROTECT_LOCAL_MACHINE;
    const output = memory.address + BigInt(outBlob);
    if (dataCall(memory.address, null, null, null, null, flags, output) === 0) throw lastError(name);
    return takeOutput(memory.bytes.subarray(outBlob));
  } finally {
    memory.bytes.fill(0);
    memory.free();
  }
}

function takeOutput(blob: Buffer): Buffer {
  const address = blob.readBigUInt64LE(DATA_BLOB.data);
  const bytes = memoryAt(address, blob.readUInt32LE(DATA_BLOB.size));
  const copy = Buffer.from(bytes);
  bytes.fill(0);
  localFree(address);
  return copy;
}
