/** What the firmware writes to the debug port when everything has worked. */
export const TRIAL_MESSAGE = 'mobyvm: protected mode and interrupts work';

const SIZE = 0x1_0000;
/** Where PCs show the last 64 KiB of their firmware below 1 MiB. */
const BASE = 0xf_0000;
const AT = { code32: 0x20, handler: 0x70, text: 0x80, gdt: 0x100, gdtr: 0x120, idtr: 0x128, idt: 0x200 };
const VECTOR = 0x20;
/** Intel SDM volume 3, section 10.1.4: a processor starts 16 bytes below the end. */
const RESET_VECTOR = 0xfff0;

/**
 * Firmware that enters protected mode, handles a software interrupt there, returns from it, writes TRIAL_MESSAGE and a
 * line feed to port 0x402, and halts. These are the instructions of boot loaders that a KVM may have to emulate and
 * does not know: the far return of ISOLINUX is where guests have stopped.
 */
export function trialFirmware(): Uint8Array {
  const rom = new Uint8Array(SIZE).fill(0xff);
  const put = (at: number, ...bytes: readonly number[]): void => {
    rom.set(bytes, at);
  };
  // Real mode: cli; lgdt cs:[gdtr]; mov eax, cr0; or al, 1; mov cr0, eax; jmp dword 8:code32
  put(0, 0xfa, 0x2e, 0x0f, 0x01, 0x16, ...word(AT.gdtr));
  put(7, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x66, 0xea, ...double(BASE + AT.code32), ...word(8));
  const code32 = [
    // mov ax, 10h; mov ds, ax; mov ss, ax; mov esp, 7000h; lidt [idtr]; int VECTOR
    ...[0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, ...double(0x7000)],
    ...[0x0f, 0x01, 0x1d, ...double(BASE + AT.idtr), 0xcd, VECTOR],
    // mov dx, 402h; mov esi, text; next: lodsb; test al, al; jz end; out dx, al; jmp next; end: hlt; jmp end
    ...[0x66, 0xba, 0x02, 0x04, 0xbe, ...double(BASE + AT.text)],
    ...[0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xf4, 0xeb, 0xfd],
  ];
  put(AT.code32, ...code32);
  // iretd
  put(AT.handler, 0xcf);
  rom.set(new TextEncoder().encode(`${TRIAL_MESSAGE}\n\0`), AT.text);
  // Flat segments of 4 GiB: code 8, data 10h.
  put(AT.gdt, ...double(0), ...double(0), ...double(0xffff), ...double(0x00cf_9b00));
  put(AT.gdt + 16, ...double(0xffff), ...double(0x00cf_9300));
  put(AT.gdtr, ...word(3 * 8 - 1), ...double(BASE + AT.gdt));
  put(AT.idtr, ...word((VECTOR + 1) * 8 - 1), ...double(BASE + AT.idt));
  rom.fill(0, AT.idt, AT.idt + VECTOR * 8);
  // A 32-bit interrupt gate to the handler.
  put(AT.idt + VECTOR * 8, ...word(AT.handler), ...word(8), 0x00, 0x8e, ...word(BASE >> 16));
  put(RESET_VECTOR, 0xea, ...word(0), ...word(BASE >> 4));
  return rom;
}

function word(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function double(value: number): readonly number[] {
  return [...word(value & 0xffff), ...word(value >>> 16)];
}
