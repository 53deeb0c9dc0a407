// Writes a zip file whose bytes depend on its entries alone: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import { crc32, deflateRawSync } from 'node:zlib';

/** 1980-01-01, the first day that the format knows. */
const DOS_DATE = 0x21;
const UTF8_NAMES = 0x800;
const DEFLATE = 8;
/** Made by version 2.0 on MS-DOS: no permissions. */
const VERSION = 20;
const MAX_BYTES = 0xffff_fffe;

/** @param entries names with slashes and their content, in the order of the file */
export function zipFile(entries) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const data = deflateRawSync(content, { level: 9 });
    const file = Buffer.from(name, 'utf8');
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(VERSION, 0);
    fields.writeUInt16LE(UTF8_NAMES, 2);
    fields.writeUInt16LE(DEFLATE, 4);
    fields.writeUInt16LE(DOS_DATE, 8);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(file.length, 22);
    parts.push(signature(0x0403_4b50), fields, file, data);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(offset, 10);
    directory.push(signature(0x0201_4b50), number16(VERSION), fields, more, file);
    offset += 4 + fields.length + file.length + data.length;
    if (offset > MAX_BYTES) throw new Error('the zip file would be larger than 4 GiB');
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, signature(0x0605_4b50), end]);
}

function signature(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function number16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
