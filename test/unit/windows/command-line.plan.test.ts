import { expect, test } from 'vitest';
import { windowsCommandLine } from '../../../src/windows/index.js';

test('each argument is quoted, and quotation marks in it are kept', () => {
  expect(windowsCommandLine(["C:\\Prögram Files\\O'Brien\\node.exe", 'a b', '', 'say "hi"'])).toBe(
    '"C:\\Prögram Files\\O\'Brien\\node.exe" "a b" "" "say \\"hi\\""',
  );
});

test('backslashes before a quotation mark are doubled, others are not', () => {
  expect(windowsCommandLine(['C:\\folder\\', 'a\\"b'])).toBe('"C:\\folder\\\\" "a\\\\\\"b"');
});
