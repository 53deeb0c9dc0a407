import { describe, expect, it } from 'vitest';
import { readingUri } from '../../../../src/vm/qemu/restore-memory.js';

describe('the program that reads the saved memory', () => {
  it('gets its path quoted for the shell', () => {
    expect(readingUri('/var/lib/mobyvm/memory.saved')).toBe(
      "exec:exec cat -- '/var/lib/mobyvm/memory.saved'",
    );
    expect(readingUri("/it's; rm -rf $HOME")).toBe("exec:exec cat -- '/it'\\''s; rm -rf $HOME'");
  });
});
