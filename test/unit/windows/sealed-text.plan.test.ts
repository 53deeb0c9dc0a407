import { expect, test } from 'vitest';
import { sealedBytes, sealedText } from '../../../src/windows/secrets/sealed-text.plan.js';

test('sealed bytes survive being written as text', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(sealedText(bytes)).toMatch(/^mobyvm-sealed-1:[\w+/]+=*\n$/);
  expect(sealedBytes(sealedText(bytes))).toEqual(bytes);
});

test.each(['', 'secret', '-----BEGIN PRIVATE KEY-----', 'mobyvm-sealed-2:AAAA'])(
  '%j was never sealed',
  (text) => {
    expect(sealedBytes(text)).toBe('plain');
  },
);

test.each(['mobyvm-sealed-1:', 'mobyvm-sealed-1:A', 'mobyvm-sealed-1:AA\nAA', 'mobyvm-sealed-1:ä'])(
  '%j is damaged',
  (text) => {
    expect(sealedBytes(text)).toBe('damaged');
  },
);
