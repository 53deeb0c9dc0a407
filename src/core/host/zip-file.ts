import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  /** With slashes. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** Made by version 2.0 of the format on Unix, so that the entries have a mode. */
const MADE_BY = 0x0314;
const NEEDED = 20;
const UTF8_NAMES = 0x800;
const DEFLATE = 8;
const OWNER_ONLY = (0o100600 << 16) >>> 0;

/**
 * A zip file in memory, for some megabytes of text: no Zip64, no encryption. Its layout is that of
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
 * @param at the time of all entries, in local time as the format has it
 */
export function zipFile(entries: readonly ZipEntry[], at: Date): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const data = deflateRawSync(content);
    const file = Buffer.from(name, 'utf8');
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(NEEDED, 0);
    shared.writeUInt16LE(UTF8_NAMES, 2);
    shared.writeUInt16LE(DEFLATE, 4);
    shared.writeUInt16LE(dosTime(at), 6);
    shared.writeUInt16LE(dosDate(at), 8);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(file.length, 22);
    const local = Buffer.concat([number32(0x0403_4b50), shared, file, data]);
    parts.push(local);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(OWNER_ONLY, 6);
    more.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([number32(0x0201_4b50), number16(MADE_BY), shared, more, file]));
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, number32(0x0605_4b50), end]);
}

function dosTime(at: Date): number {
  return (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1);
}

/** The format's years begin with 1980. */
function dosDate(at: Date): number {
  return (Math.max(0, at.getFullYear() - 1980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate();
}

function number16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
