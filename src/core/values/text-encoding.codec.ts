/** A text that a user wrote, or why it cannot be read. */
export type DecodedText = { readonly text: string } | { readonly problem: string; readonly encoding: string };

/** How to save such a text as UTF-8. */
export function reencodeRemedy({ encoding }: { readonly encoding: string }): string {
  return `Save it as UTF-8: \`iconv -f ${encoding} -t utf-8\` converts it, and so does PowerShell's \`Set-Content -Encoding utf8\`.`;
}

/**
 * Decodes what users and their editors write: UTF-8, and UTF-16 as Windows PowerShell's `>` does, each with or without
 * byte order marks. Every other encoding is named as far as its bytes tell.
 */
export function decodeUserText(bytes: Uint8Array): DecodedText {
  const encoding = unicodeEncodingOf(bytes);
  if (encoding === 'utf-32') return { problem: 'is UTF-32', encoding };
  try {
    const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text: text.replace(/^\uFEFF+/, '') };
  } catch {
    return encoding === 'utf-8' ? notUtf8(bytes) : { problem: `is incomplete ${encoding}`, encoding };
  }
}

/** By the byte order mark, or else by where the zero bytes of the first character are. */
function unicodeEncodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32' {
  const [first = -1, second = -1, third = -1, fourth = -1] = bytes;
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? 'utf-32' : 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0 && second === 0 && (fourth > 0 || third > 0)) return 'utf-32';
  if (first > 0 && second === 0) return third === 0 && fourth === 0 ? 'utf-32' : 'utf-16le';
  return first === 0 && second > 0 ? 'utf-16be' : 'utf-8';
}

function notUtf8(bytes: Uint8Array): DecodedText {
  const at = firstInvalidAt(bytes);
  const before = bytes.subarray(0, at);
  const line = before.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 1);
  const column = at - before.lastIndexOf(0x0a);
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  const encoding = codePageOf(bytes.subarray(at));
  return {
    problem: `is not UTF-8 (byte 0x${byte} in line ${line}, column ${column}); it looks like ${encoding === 'windows-1252' ? 'Windows-1252 or Latin-1' : "one of Windows' OEM code pages, such as 850"}`,
    encoding,
  };
}

/** Where the first character begins that is not UTF-8. */
function firstInvalidAt(bytes: Uint8Array): number {
  let [valid, invalid] = [0, bytes.length];
  while (valid < invalid - 1) {
    const middle = (valid + invalid) >> 1;
    if (isUtf8(bytes.subarray(0, middle), 'may be cut')) valid = middle;
    else invalid = middle;
  }
  while (!isUtf8(bytes.subarray(0, valid), 'whole')) valid -= 1;
  return valid;
}

function isUtf8(bytes: Uint8Array, end: 'whole' | 'may be cut'): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: end === 'may be cut' });
    return true;
  } catch {
    return false;
  }
}

/** Where Windows-1252 has letters for the bytes beyond ASCII it is meant; code page 850 has its letters elsewhere. */
function codePageOf(bytes: Uint8Array): 'windows-1252' | 'cp850' {
  const beyondAscii = bytes.filter((byte) => byte >= 0x80);
  const letters = new TextDecoder('windows-1252').decode(beyondAscii).match(/\p{L}/gu)?.length ?? 0;
  return letters * 2 > beyondAscii.length ? 'windows-1252' : 'cp850';
}
