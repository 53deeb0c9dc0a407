import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares in constant time, whatever the lengths. False while there is no secret to compare with. */
export function isSameSecret(given: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}
