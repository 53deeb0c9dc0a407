import { describe, expect, test } from 'vitest';
import type { SecretSeal } from '../../src/core/host/index.js';

/** @param encrypts whether the platform has a key for it */
export function describeSecretSeal(name: string, seal: SecretSeal, encrypts: boolean): void {
  describe(`secrets at rest: ${name}`, () => {
    test.each([
      ['a word', 'secret'],
      ['nothing', ''],
      ['lines', 'ä\r\n\n'],
      ['much', 'ß😀'.repeat(50_000)],
    ])('give %s back as it was', async (_what, secret) => {
      const stored = await seal.seal(secret);
      expect(await seal.open(stored)).toBe(secret);
      if (encrypts) expect(stored).not.toContain('secret');
    });

    test('are read as they are if they were never sealed', async () => {
      expect(await seal.open('plain\n')).toBe('plain\n');
    });

    test('are unknown after the text was changed', async ({ skip }) => {
      if (!encrypts) return skip('nothing is encrypted');
      const stored = (await seal.seal('secret')).trimEnd();
      for (const damaged of [stored.slice(0, -4), `${stored}AAAA`, `${stored}?`, stored.slice(0, 16)])
        expect(await seal.open(damaged)).toBeUndefined();
    });

    test('are sealed differently each time', async ({ skip }) => {
      if (!encrypts) return skip('nothing is encrypted');
      expect(await seal.seal('secret')).not.toBe(await seal.seal('secret'));
    });
  });
}
