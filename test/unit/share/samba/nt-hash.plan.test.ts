import { expect, test } from 'vitest';
import { md4, ntHash } from '../../../../src/share/samba/nt-hash.plan.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test.each([
  ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
  ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
  ['message digest', 'd9130a8164549fe818874806e1c7014b'],
  [
    '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
    'e33b4ddc9c38f2199c3e7b164fcc0536',
  ],
])('MD4 of %j is what RFC 1320 says', (text, digest) => {
  expect(hex(md4(new TextEncoder().encode(text)))).toBe(digest);
});

test('the NT hash of a password is what Samba stores for it', () => {
  expect(hex(ntHash('pw1')).toUpperCase()).toBe('48B8EFC2F1CAFF1D40153937B3DB9C5A');
});
