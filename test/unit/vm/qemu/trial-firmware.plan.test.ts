import { describe, expect, test } from 'vitest';
import { TRIAL_MESSAGE, trialFirmware } from '../../../../src/vm/qemu/trial-firmware.plan.js';

const rom = Buffer.from(trialFirmware());

describe('the firmware of the accelerator trial', () => {
  test('fills the last 64 KiB below 1 MiB, with a far jump to its start where a processor begins', () => {
    expect(rom.length).toBe(0x1_0000);
    expect(rom.subarray(0xfff0, 0xfff5).toString('hex')).toBe('ea000000f0');
  });

  test('enters protected mode, interrupts itself, writes its text to port 402h, and halts', () => {
    expect(rom.subarray(0, 23).toString('hex')).toBe('fa2e0f011620010f20c00c010f22c066ea20000f000800');
    expect(rom.subarray(0x20, 0x4a).toString('hex')).toBe(
      '66b810008ed88ed0bc007000000f011d28010f00cd2066ba0204be80000f00ac84c07403eeebf8f4ebfd',
    );
    expect(rom.toString('latin1', 0x80, 0x80 + TRIAL_MESSAGE.length + 2)).toBe(`${TRIAL_MESSAGE}\n\0`);
  });

  test('has flat segments, and a gate to a handler that only returns', () => {
    expect(rom.subarray(0x100, 0x118).toString('hex')).toBe(
      '0000000000000000ffff0000009bcf00ffff00000093cf00',
    );
    expect(rom.subarray(0x120, 0x126).toString('hex')).toBe('170000010f00');
    expect(rom.subarray(0x128, 0x12e).toString('hex')).toBe('070100020f00');
    expect(rom.subarray(0x300, 0x308).toString('hex')).toBe('70000800008e0f00');
    expect(rom[0x70]).toBe(0xcf);
  });
});
