import { createHash } from 'node:crypto';

/** A UUID that depends on the name alone (RFC 9562 §5.8), in the form that Windows Installer wants. */
export function derivedUuid(name) {
  const hash = createHash('sha256').update(`mobyvm ${name}`).digest();
  hash[6] = (hash[6] & 0x0f) | 0x80;
  hash[8] = (hash[8] & 0x3f) | 0x80;
  const hex = hash.toString('hex').toUpperCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
