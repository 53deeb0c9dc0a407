import { describe, expect, test } from 'vitest';
import { memoryReadUri } from '../../../../src/vm/qemu/restore-memory.js';

describe('the program that reads the saved memory', () => {
  test('gets a path that is quoted for the shell', () => {
    expect(memoryReadUri('/var/lib/mobyvm/memory.saved')).toBe(
      "exec:exec cat -- '/var/lib/mobyvm/memory.saved'",
    );
    expect(memoryReadUri("/it's; rm -rf $HOME")).toBe("exec:exec cat -- '/it'\\''s; rm -rf $HOME'");
  });
});
