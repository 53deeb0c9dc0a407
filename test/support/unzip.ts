import { crc32, inflateRawSync } from 'node:zlib';

/** The files of a zip file as its directory lists them, each checked against its checksum. */
export function unzip(file: Uint8Array): ReadonlyMap<string, string> {
  const bytes = Buffer.from(file);
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const count = bytes.readUInt16LE(end + 10);
  const found = new Map<string, string>();
  let at = bytes.readUInt32LE(end + 16);
  for (let each = 0; each < count; each += 1) {
    if (bytes.readUInt32LE(at) !== 0x0201_4b50) throw new TypeError(`no entry at ${at}`);
    const [size, length] = [bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28)];
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + length);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = inflateRawSync(bytes.subarray(start, start + size));
    if (crc32(content) !== bytes.readUInt32LE(at + 16)) throw new TypeError(`${name} is damaged`);
    found.set(name, content.toString('utf8'));
    at += 46 + length;
  }
  return found;
}
