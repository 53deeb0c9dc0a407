/**
 * The NT hash by which SMB servers know a password: MD4 of its UTF-16LE text, [MS-NLMP] §3.3.1,
 * https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/464551a8-9fc4-428e-b3d3-bc5bfb2e73a5.
 */
export function ntHash(password: string): Uint8Array {
  const bytes = new Uint8Array(password.length * 2);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < password.length; at += 1) view.setUint16(at * 2, password.charCodeAt(at), true);
  return md4(bytes);
}

/** The order in which a round takes the words of a block, and by how much it rotates: RFC 1320 §3.4. */
const ROUNDS = [
  {
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
    constant: 0,
    mix: (x: number, y: number, z: number) => (x & y) | (~x & z),
  },
  {
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
    constant: 0x5a827999,
    mix: (x: number, y: number, z: number) => (x & y) | (x & z) | (y & z),
  },
  {
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
    constant: 0x6ed9eba1,
    mix: (x: number, y: number, z: number) => x ^ y ^ z,
  },
] as const;

type State = readonly [number, number, number, number];

/** RFC 1320. OpenSSL 3 has MD4 only in its legacy provider, which Node does not load. */
export function md4(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(((message.length + 8) >> 6) * 64 + 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, message.length * 8, true);
  let state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let block = 0; block < padded.length; block += 64) state = addBlock(state, view, block);
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  state.forEach((word, index) => out.setUint32(index * 4, word >>> 0, true));
  return digest;
}

function addBlock(start: State, view: DataView, block: number): State {
  let [a, b, c, d] = start;
  for (const { order, shifts, constant, mix } of ROUNDS) {
    order.forEach((word, index) => {
      const sum = (a + mix(b, c, d) + view.getUint32(block + word * 4, true) + constant) >>> 0;
      const shift = shifts[index % 4] ?? 0;
      [a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c];
    });
  }
  return [(a + start[0]) >>> 0, (b + start[1]) >>> 0, (c + start[2]) >>> 0, (d + start[3]) >>> 0];
}
