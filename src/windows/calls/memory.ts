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

/** Memory that a call has allocated. Must not be touched after it has been released. */
export function memoryAt(address: Address, length: number): Buffer {
  return Buffer.from(koffi.view(address, length));
}

/** A text in UTF-16 that ends with a zero; undefined for a null pointer. */
export function textAt(address: Address): string | undefined {
  return address === 0n ? undefined : koffi.decode.string16(address);
}
