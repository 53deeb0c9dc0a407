import { createHash } from 'node:crypto';

/** 64 lower-case hexadecimal digits (FIPS 180-4). */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
