import { writeFile } from 'node:fs/promises';

/**
 * A guest of 137 bytes, to test the driver without a kernel. Every tenth of a second it increments a counter
 * and writes `[mobyvm 1.00] init: counted 0001` to COM1; from 10 on it handles the power button and then
 * powers itself off. Real-mode code for a BIOS machine with q35's power management ports; its source is
 * tiny-guest.s.
 */
const CODE =
  '31c08ed88ed0bc007cfbbf857cfe05803d3a7506c605304febf3803e847c307407ba0206b80001ef' +
  'be667cac84c0741288c4bafd03eca82074fb88e0baf803eeebe98b1e6c04f4ba0006edf6c401750c' +
  'a16c0429d883f80272ecebaeba0406b80020eff4ebfd5b6d6f6279766d20312e30305d20696e6974' +
  '3a20636f756e74656420303030300d0a00';

/** The count from which it handles the power button. */
export const TINY_GUEST_LISTENS_FROM = 10;

/** The count in a console line; undefined for lines of the firmware. */
export function tinyGuestCount(line: string): number | undefined {
  const digits = /init: counted (\d{4})$/.exec(line)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const SECTOR = 2_048;
const CATALOG_SECTOR = 19;
const CODE_SECTOR = 20;

/** Writes a CD image that a BIOS boots: El Torito 1.0 §2, no emulation. */
export async function writeTinyGuest(path: string): Promise<void> {
  const iso = Buffer.alloc((CODE_SECTOR + 1) * SECTOR);
  const descriptor = (sector: number, type: number): number => {
    const at = sector * SECTOR;
    iso.writeUInt8(type, at);
    iso.write('CD001\u0001', at + 1, 'latin1');
    return at;
  };
  descriptor(16, 1);
  const boot = descriptor(17, 0);
  iso.write('EL TORITO SPECIFICATION', boot + 7, 'latin1');
  iso.writeUInt32LE(CATALOG_SECTOR, boot + 0x47);
  descriptor(18, 255);

  const catalog = CATALOG_SECTOR * SECTOR;
  iso.writeUInt16LE(0x0001, catalog);
  iso.writeUInt16LE(0xaa55, catalog + 30);
  // The words of the validation entry must add up to zero.
  iso.writeUInt16LE(0x10000 - ((0x0001 + 0xaa55) & 0xffff), catalog + 28);
  iso.writeUInt8(0x88, catalog + 32);
  iso.writeUInt16LE(SECTOR / 512, catalog + 38);
  iso.writeUInt32LE(CODE_SECTOR, catalog + 40);

  iso.write(CODE, CODE_SECTOR * SECTOR, 'hex');
  await writeFile(path, iso);
}
