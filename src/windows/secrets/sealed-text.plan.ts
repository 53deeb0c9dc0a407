const MARK = 'mobyvm-sealed-1:';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** How sealed bytes are written into a file. */
export function sealedText(bytes: Uint8Array): string {
  return `${MARK}${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}\n`;
}

/** `plain` for a text that was never sealed. */
export function sealedBytes(text: string): Uint8Array | 'plain' | 'damaged' {
  if (!text.startsWith(MARK)) return 'plain';
  const encoded = text.slice(MARK.length).trimEnd();
  if (encoded === '' || !BASE64.test(encoded)) return 'damaged';
  return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
}
