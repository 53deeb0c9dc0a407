import { expect, test } from 'vitest';
import { checkPassword, generatePassword } from '../../../../src/share/credentials/passwords.js';

test('generated passwords are long, different, and as complex as Windows asks', () => {
  const made = Array.from({ length: 500 }, generatePassword);
  expect(new Set(made).size).toBe(500);
  for (const password of made) {
    expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
    for (const set of [/[a-z]/, /[A-Z]/, /[0-9]/]) expect(password).toMatch(set);
  }
});

test('a password that has more bytes than the VM takes is refused, and the text says how many', () => {
  for (const password of ['ü'.repeat(65), `${'x'.repeat(125)}字字`, '😀'.repeat(33)]) {
    const bytes = Buffer.byteLength(password);
    expect(() => checkPassword(password)).toThrow(
      `The password has ${bytes} bytes in UTF-8; the VM's kernel takes 128.`,
    );
  }
  for (const password of ['ü'.repeat(64), `${'x'.repeat(125)}字`, '😀'.repeat(32)]) checkPassword(password);
});

test('a password that SMB or mount.cifs cannot carry is refused, and not repeated', () => {
  for (const password of ['', 'a\0b', 'a\nb', 'a\rb', 'x'.repeat(128), 'half\ud83d']) {
    const check = (): void => checkPassword(password);
    expect(check).toThrow(expect.objectContaining({ code: 'MOBYVM_SHARE_CREDENTIALS' }) as Error);
    if (password.length > 1) expect(check).not.toThrow(password);
  }
  for (const password of [' ', 'a,b', '\'"\\$`', 'x'.repeat(127), '😀', 'üß€']) checkPassword(password);
});
