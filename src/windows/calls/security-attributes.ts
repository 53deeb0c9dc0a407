import koffi from 'koffi';
import type { Address } from './libraries.js';

/** https://learn.microsoft.com/windows/win32/api/wtypesbase/ns-wtypesbase-security_attributes */
export const SECURITY_ATTRIBUTES = koffi.struct({ nLength: 'uint32', descriptor: 'void *', inherit: 'int' });

export interface SecurityAttributes {
  readonly nLength: number;
  readonly descriptor: Address;
  readonly inherit: number;
}

/** For an object whose handle no child process inherits. */
export function securityAttributes(descriptor: Address): SecurityAttributes {
  return { nLength: koffi.sizeof(SECURITY_ATTRIBUTES), descriptor, inherit: 0 };
}
