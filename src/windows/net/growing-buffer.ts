import { lastError } from '../calls/last-error.js';
import type { Address } from '../calls/libraries.js';
import { allocate } from '../calls/memory.js';
import { ERROR } from '../error-codes.js';

const FIRST_BYTES = 16_384;
/** Also if what is asked for grows between two calls. */
const ATTEMPTS = 8;
const TOO_SMALL: readonly number[] = [ERROR.insufficientBuffer, ERROR.bufferOverflow];

/**
 * Calls with a buffer until it is large enough.
 * @param call returns an error code, and sets the number of bytes that it needs
 * @param read copies what it needs out of the buffer
 * @throws WindowsCallError
 */
export function withBuffer<T>(
  name: string,
  call: (into: Address, length: Uint32Array) => number,
  read: (bytes: Uint8Array, address: Address) => T,
): T {
  const length = new Uint32Array(new ArrayBuffer(4)).fill(FIRST_BYTES);
  let code = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const bytes = length[0] ?? 0;
    const memory = allocate(bytes);
    try {
      code = call(memory.address, length);
      if (code === 0) return read(memory.bytes, memory.address);
    } finally {
      memory.free();
    }
    if (!TOO_SMALL.includes(code)) break;
    // Some sockets or adapters more may have come meanwhile.
    length[0] = Math.max(length[0] ?? 0, bytes) + 4_096;
  }
  throw lastError(name, code);
}
