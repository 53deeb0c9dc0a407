import { ByteWriter } from '../../core/values/index.js';

/** Folders of the VM that the container has: what it needs to run a program of the VM. */
export const VM_FOLDERS = ['usr', 'bin', 'lib'];
/** Where Debian has its dynamic linker; Alpine has it in /lib. */
const LINKS = [{ name: 'lib64', target: 'usr/lib64' }];
const BLOCK_BYTES = 512;

/**
 * The root of the container that enters the VM: nothing but folders, on which those of the VM are mounted. So no image
 * has to be pulled or kept, and the programs are always those of the VM. A tar file (pax(1), "ustar
 * Interchange Format", https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html).
 */
export function shellImage(): Uint8Array {
  const writer = new ByteWriter();
  for (const name of VM_FOLDERS) writer.put(entry(`${name}/`, 'folder', ''));
  for (const { name, target } of LINKS) writer.put(entry(name, 'link', target));
  return writer.zeros(2 * BLOCK_BYTES).done();
}

const CHECKSUM_AT = 148;

function entry(name: string, kind: 'folder' | 'link', target: string): Uint8Array {
  const writer = new ByteWriter();
  const field = (text: string, bytes: number): void => {
    const encoded = new TextEncoder().encode(text);
    writer.put(encoded).zeros(bytes - encoded.length);
  };
  field(name, 100);
  field('0000755', 8);
  field('0000000', 8);
  field('0000000', 8);
  field('00000000000', 12);
  field('00000000000', 12);
  // While it is computed, the checksum counts as blanks.
  field('        ', 8);
  field(kind === 'folder' ? '5' : '2', 1);
  field(target, 100);
  field('ustar', 6);
  field('00', 2);
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(writer.done());
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), CHECKSUM_AT);
  return block;
}
