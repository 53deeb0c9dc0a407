import koffi from 'koffi';
import type { Address } from './libraries.js';

/** Memory outside of V8's heap, for calls that keep a pointer after they have returned. */
export interface NativeMemory {
  readonly address: Address;
  /** The same memory. Must not be touched after `free`. */
  readonly bytes: Buffer;
  free(): void;
}

export function allocate(length: number): NativeMemory {
  const pointer: unknown = koffi.alloc('uint8', length);
  return {
    address: koffi.address(pointer),
    bytes: Buffer.from(koffi.view(pointer, length)),
    free: () => koffi.free(pointer),
  };
}
